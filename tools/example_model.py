"""The scripted model of `make example`: it extracts facts by rules, and answers from what its prompt shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline.extractor import OfflineExtractor
from afterturn.turns import Turn
from harness.llm_server import prompt
from harness.llm_server.answers import ToolCall

#: Words that say nothing of what a question is about.
_COMMON_WORDS = (
    "a an and are at be by can could did do does for from has have how i in is it me my of on or our please should "
    "tell that the this to today tomorrow was we what when where which who with would you your"
)
_COMMON = frozenset(_COMMON_WORDS.split())
#: What precedes the statement in a line of a context: a list mark, a date, a speaker.
_LINE_START = re.compile(r"^[-*\s]*(?:\[[^\]]*\]\s*)?(?:\(?\d{4}-\d\d-\d\d\)?:?\s*)?(?:\w+: )?")
#: The memory block at the end of a message.
_BLOCK = re.compile(r"\s*Between <memory> .*</memory>", re.DOTALL)
_NO_ANSWER = "Noted."
_TAKEN_BACK = Turn(
    turn_id="removed", role="user", content="", occurred_at=datetime.fromtimestamp(0, UTC), is_removed=True
)


def answer(request: Mapping[str, Any]) -> str | ToolCall | None:
    """Return facts for an extraction call, and an answer for a chat; None leaves other calls to the default."""
    kind = prompt.kind_of(request)
    if turns := prompt.shown_turns(request):
        # Turns that were taken back keep their numbers, and are not shown.
        by_number = {turn.number: _turn(turn) for turn in turns}
        said = [by_number.get(number, _TAKEN_BACK) for number in range(1, max(by_number) + 1)]
        return OfflineExtractor().extract(ExtractionRequest(turns=said)).text
    if kind == "judge":
        return None
    if prompt.form_name(request) and request.get("response_format"):
        return None
    return _call_a_tool(request) or (_say(request) if kind == "chat" or request.get("tools") else None)


def _turn(shown: prompt.ShownTurn) -> Turn:
    is_assistant = shown.speaker.lower().startswith("assistant")
    return Turn(
        turn_id=str(shown.number),
        role="assistant" if is_assistant else "user",
        content=shown.content,
        occurred_at=datetime.fromisoformat(shown.at),
        name=None if shown.speaker.lower() in ("user", "assistant") else shown.speaker,
    )


def _call_a_tool(request: Mapping[str, Any]) -> ToolCall | None:
    """Return the call of the tool whose name the last message says ("find a table": find_table), if there is one."""
    last = request["messages"][-1]
    if last.get("role") != "user":
        return None
    said = _text(last)
    for tool in request.get("tools") or ():
        function = tool["function"]
        if set(function["name"].lower().split("_")) <= set(re.findall(r"\w+", said.lower())):
            names = [word for word in re.findall(r"\b[A-Z]\w+", said)[1:]] or [said]
            fields = function.get("parameters", {}).get("properties", {})
            return ToolCall(function["name"], json.dumps({field: names[-1] for field in fields}))
    return None


def _say(request: Mapping[str, Any]) -> str:
    """Return the result of a tool, or the shortest line of the prompt that has most words of the question."""
    messages = request["messages"]
    if messages[-1].get("role") == "tool":
        return _text(messages[-1])
    question = _BLOCK.sub("", _text(messages[-1]))
    if "?" not in question:
        return _NO_ANSWER
    asked = _words(question)
    found = {line: len(asked & _words(line)) for line in _lines(messages) if "?" not in line}
    best = max(found, key=lambda line: (found[line], -len(line)), default="")
    if not found.get(best):
        return _NO_ANSWER
    return f'You said: "{best}"' if best.startswith(("I ", "My ")) else best


def _lines(messages: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the statements of the prompt before its last user message: of the system, then of users."""
    last = max(place for place, message in enumerate(messages) if message.get("role") == "user")
    for place, message in enumerate(messages):
        lines = _text(message).splitlines()
        if place == last:
            # A prompt may put documents or memories before the question.
            lines = lines[:-1]
        if message.get("role") in ("system", "developer", "user"):
            # Of an exchange in one turn, the first half is the user's.
            yield from (_LINE_START.sub("", line).partition(" | ")[0].strip() for line in lines)


def _words(text: str) -> set[str]:
    """Return the words that say what a text is about, without endings."""
    words = set(re.findall(r"[a-z']+", text.lower())) - _COMMON
    return {re.sub(r"(?:ing|ed|es|s|e)$", "", word) for word in words}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
