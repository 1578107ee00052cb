"""The lines of the extraction prompt that show turns: one line for each turn, and one for each day.

Each message takes exactly one line, which begins with its number or a dash. So no content can imitate another turn or a
day. The time of the day is shown where it is another than that of the line before, by ten minutes or more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from afterturn.chat_messages import ROLES, ROLES_OF_PEOPLE
from afterturn.excerpts import words
from afterturn.excerpts.spans import LEFT_OUT
from afterturn.extraction.excerpts import answers, pasted
from afterturn.extraction.excerpts.worth import Around
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.turns import Turn

#: About so much of a message of the context is shown: what it is about, and how it ends.
CONTEXT_CHARACTERS = 400
_CONTEXT_TOKENS = CONTEXT_CHARACTERS // 4
#: A difference of time that is shown. Smaller: more tokens. Larger: "an hour ago" is resolved less exactly.
SHOWN_DIFFERENCE = timedelta(minutes=10)

#: So many messages of the user before an answer say what it is about.
_MESSAGES_BEFORE = 4
_MESSAGES_AFTER = 3
#: Only so much of a message is searched for words.
_READ_CHARACTERS = 8_000

#: All characters that end a line for some reader.
_LINE_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: The characters that separate the speaker from number, time and content.
_SEPARATORS = re.compile(r"[\[\]():]")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(slots=True)
class _Clock:
    """Says what of each turn's time is shown."""

    zone: tzinfo
    _shown: datetime | None = None

    def day_line(self, turn: Turn) -> str | None:
        """Return the line of a turn's day, unless the line before is of the same day."""
        day = self._local(turn).date()
        if self._shown is not None and self._shown.date() == day:
            return None
        self._shown = None
        return f"{day.isoformat()} {_WEEKDAYS[day.weekday()]}"

    def time(self, turn: Turn) -> str:
        """Return a turn's time of the day with a blank before it, or nothing."""
        moment = self._local(turn).replace(second=0, microsecond=0)
        if self._shown is not None and timedelta(0) <= moment - self._shown < SHOWN_DIFFERENCE:
            return ""
        self._shown = moment
        return f" ({moment:%H:%M})"

    def _local(self, turn: Turn) -> datetime:
        # Without its offset: the day and the time that a person in this timezone sees.
        return turn.occurred_at.astimezone(self.zone).replace(tzinfo=None)


def context_lines(request: ExtractionRequest, zone: tzinfo) -> Iterator[str]:
    """Yield the lines of the turns before the batch. What the batch's first messages refer to is shown."""
    shown = ShownTurns([*request.context, *request.turns])
    contents = ((turn, shown.of_context(place)) for place, turn in enumerate(request.context) if not turn.is_removed)
    clock = _Clock(zone)
    for turn, content in contents:
        yield from _lines(turn, "-", content, clock)


def turn_lines(request: ExtractionRequest, zone: tzinfo) -> Iterator[str]:
    """Yield the numbered lines of the batch's turns."""
    shown = ShownTurns([*request.context, *request.turns])
    clock = _Clock(zone)
    for number, turn in enumerate(request.turns, start=1):
        if turn.is_removed:
            yield f"[{number}] (taken back)"
        else:
            yield from _lines(turn, f"[{number}]", shown.of_batch(len(request.context) + number - 1), clock)


def on_one_line(text: str) -> str:
    """Return a text with its line breaks written as `\\n`."""
    return _LINE_BREAK.sub(r"\\n", text)


def _lines(turn: Turn, label: str, content: str, clock: _Clock) -> Iterator[str]:
    if day := clock.day_line(turn):
        yield day
    yield f"{label} {_speaker(turn)}{clock.time(turn)}: {on_one_line(content)}"


def _speaker(turn: Turn) -> str:
    """Return the name of the speaker, cleaned so that it cannot imitate a number, a time or another role."""
    name = " ".join(_SEPARATORS.sub(" ", on_one_line(turn.name or "")).split())
    return name if name and name.casefold() not in ROLES else turn.role


class ShownTurns:
    """What is shown of the contents of consecutive turns."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._keys: dict[int, frozenset[str]] = {}

    def of_batch(self, place: int) -> str:
        """Return what is shown of a turn of the batch."""
        content = self._turns[place].content
        if self._is_of_person(place):
            return pasted.shorten_pasted(content)
        return content if answers.is_short(content) else answers.shorten(content, self._around(place))

    def of_context(self, place: int) -> str:
        """Return what is shown of a turn before the batch."""
        content = self._turns[place].content
        if len(content) <= CONTEXT_CHARACTERS:
            return content
        if self._is_of_person(place):
            return _beginning_and_end(content)
        return answers.shorten(content, self._around(place), limit_tokens=_CONTEXT_TOKENS)

    def _is_of_person(self, place: int) -> bool:
        return self._turns[place].role in ROLES_OF_PEOPLE

    def _around(self, place: int) -> Around:
        """Return what people say around a turn."""
        before = [each for each in range(place) if self._is_of_person(each)][-_MESSAGES_BEFORE:]
        later = (each for each in range(place + 1, len(self._turns)) if self._is_of_person(each))
        after = [each for _, each in zip(range(_MESSAGES_AFTER), later, strict=False)]
        return Around(
            before=frozenset().union(*map(self._keys_of, before)),
            reply=self._turns[after[0]].content if after else "",
            after=frozenset().union(*map(self._keys_of, after)),
        )

    def _keys_of(self, place: int) -> frozenset[str]:
        if place not in self._keys:
            text = pasted.shorten_pasted(self._turns[place].content[:_READ_CHARACTERS])
            self._keys[place] = words.find_keys(text, words.find_language(text))
        return self._keys[place]


def _beginning_and_end(content: str) -> str:
    """Return the beginning of a long message, which shows its topic, and its end, which may ask a question."""
    content = content.strip()
    beginning, end = content[: CONTEXT_CHARACTERS * 5 // 8], content[-(CONTEXT_CHARACTERS * 3 // 8) :]
    beginning = beginning[: beginning.rfind(" ")] if " " in beginning[100:] else beginning
    end = end[end.find(" ") :] if " " in end[:50] else end
    return f"{beginning.rstrip()} {LEFT_OUT} {end.lstrip()}"
