"""Read a request: its kind, and the turns that it shows. Only this module depends on the form of the prompts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

#: `[3] Ana (13:56): content`, with line breaks in the content written as \n. Without a time, it has about that of the
#: line before. A test may give the day with the time: `(2023-05-08T13:56:00+00:00)`.
_TURN = re.compile(r"^\[(\d+)\] ([^:(]*?)(?: \((\d\d:\d\d|\d{4}-\d\d-\d\dT[^)]*)\))?: (.*)$")
#: `2023-05-08 Monday`: the day of the turns after it.
_DAY = re.compile(r"^(\d{4}-\d\d-\d\d) [A-Z][a-z]+day$")
_TIMEZONE = re.compile(r"^Timezone: (\S+)$")
#: What stands for the parts of a turn that are not shown.
_LEFT_OUT = re.compile(r" ?\[\.\.\.(?: [^\[\]]{1,200} \.\.\.)?\] ?")

#: `K1 (2023-05-07): statement` of a judging call: K known, N new. Without a date, it has the date of the line before.
_STATEMENT = re.compile(r"^([KN]\d+)(?: \((\d{4}-\d\d-\d\d)\))?: (.*)$")

#: `E3: 2023-05-08: what happened`.
_ENTRY = re.compile(r"^E(\d+): (.*)$")

#: `M1`, and below it `F3 (2023-04-03, now): a fact`.
_MATTER = re.compile(r"^M(\d+)$")
_FACT = re.compile(r"^F(\d+) \((\d{4}-\d\d-\d\d)(, now)?\): (.*)$")

#: The name of the schema, and the schema, in the instructions for endpoints without JSON schemas.
_NAME_IN_PROMPT = re.compile(r"one JSON object \((\w+)\) of this schema[^\n]*\n(\{[^\n]*\})")

#: Name of the requested schema -> kind of call. For other schemas, the kind is the name.
_KINDS = {"answer": "extract", "answerform": "extract"}
_KIND_WORDS = (
    ("summar", "summarize"),
    ("digest", "summarize"),
    ("profile", "profile"),
    ("judg", "judge"),
    ("verdict", "judge"),
    ("thread", "thread"),
)


@dataclass(frozen=True, slots=True)
class ShownTurn:
    """A numbered turn of an extraction call."""

    number: int
    speaker: str
    #: ISO 8601; the minute that is shown, here or on a line before. The turn is less than ten minutes later.
    at: str
    content: str

    @property
    def pieces(self) -> list[str]:
        """The parts of the turn that are shown: all of it in one, or what stands between the marks."""
        return [piece for piece in _LEFT_OUT.split(self.content) if piece.strip()]


@dataclass(frozen=True, slots=True)
class ShownStatement:
    """A statement of a judging call."""

    label: str
    #: The date on which it was said, ISO 8601; None if it is that of the statement before.
    said_on: str | None
    text: str


@dataclass(frozen=True, slots=True)
class ShownEntry:
    """A numbered entry of a summarizing call."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A numbered fact of a call that writes threads."""

    matter: int
    number: int
    #: ISO 8601.
    day: str
    is_current: bool
    text: str


def kind_of(request: Mapping[str, Any]) -> str:
    """Return extract, summarize, profile, judge, thread, the name of another schema, or `chat` without a schema."""
    name = (form_name(request) or "").lower()
    if not name:
        return "extract" if shown_turns(request) else "chat"
    if name in _KINDS:
        return _KINDS[name]
    return next((kind for word, kind in _KIND_WORDS if word in name), name)


def form_name(request: Mapping[str, Any]) -> str | None:
    """Return the name of the requested schema, from the response format, the tool or the instructions."""
    form = request.get("response_format") or {}
    if form.get("type") == "json_schema":
        return str(form["json_schema"]["name"])
    if request.get("tools"):
        return str(request["tools"][0]["function"]["name"])
    named = _NAME_IN_PROMPT.search(all_text(request))
    return named[1] if named else None


def form_schema(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the requested schema, from the response format, the tool or the instructions."""
    form = request.get("response_format") or {}
    if form.get("type") == "json_schema":
        return dict(form["json_schema"]["schema"])
    if request.get("tools"):
        return dict(request["tools"][0]["function"]["parameters"])
    named = _NAME_IN_PROMPT.search(all_text(request))
    return None if named is None else dict(json.loads(named[2]))


def shown_turns(request: Mapping[str, Any]) -> list[ShownTurn]:
    """Return the numbered turns of an extraction call, in order."""
    found = []
    zone, day, at = "UTC", "1970-01-01", ""
    for line in user_text(request).split("\n"):
        if match := _TIMEZONE.match(line):
            zone = match[1]
        elif match := _DAY.match(line):
            day, at = match[1], ""
        elif line.startswith("[") and (match := _TURN.match(line)):
            number, speaker, time, content = match.groups()
            if time or not at:
                at = time if time and "T" in time else _moment(day, time or "00:00", zone)
            found.append(ShownTurn(int(number), speaker, at, content.replace("\\n", "\n")))
    return found


def _moment(day: str, time: str, zone: str) -> str:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=ZoneInfo(zone)).isoformat()


def shown_statements(request: Mapping[str, Any]) -> list[ShownStatement]:
    """Return the statements of a judging call, or the known statements of an extraction call, in order."""
    lines = user_text(request).split("\n")
    return [ShownStatement(*match.groups()) for line in lines if (match := _STATEMENT.match(line))]


def shown_entries(request: Mapping[str, Any]) -> list[ShownEntry]:
    """Return the numbered entries of a summarizing call, in order."""
    matches = (_ENTRY.match(line) for line in user_text(request).split("\n"))
    return [ShownEntry(int(match[1]), match[2]) for match in matches if match]


def shown_facts(request: Mapping[str, Any]) -> list[ShownFact]:
    """Return the facts of a call that writes threads, in order."""
    found, matter = [], 0
    for line in user_text(request).split("\n"):
        if match := _MATTER.match(line):
            matter = int(match[1])
        elif match := _FACT.match(line):
            found.append(ShownFact(matter, int(match[1]), match[2], match[3] is not None, match[4]))
    return found


def system_text(request: Mapping[str, Any]) -> str:
    return "\n".join(_texts(request, "system", "developer"))


def user_text(request: Mapping[str, Any]) -> str:
    return "\n".join(_texts(request, "user"))


def all_text(request: Mapping[str, Any]) -> str:
    return "\n".join(_texts(request, "system", "developer", "user", "assistant", "tool"))


def _texts(request: Mapping[str, Any], *roles: str) -> list[str]:
    texts = []
    for message in request.get("messages") or ():
        if message.get("role") not in roles:
            continue
        content = message.get("content")
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        texts.append(content or "")
    return texts
