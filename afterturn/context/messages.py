"""Turns as messages of OpenAI's chat API, tool calls with their results.

A tool call is an assistant's turn with `metadata={"tool_calls": [...]}`, its result a tool's turn with
`metadata={"tool_call_id": "..."}`, both as the API has them. The API refuses a result without its call, and a call
without its result: neither is shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn.context.counting import Counter, Message, tokens_of
from afterturn.turns import Turn

#: What the API takes as a name.
_NOT_IN_NAMES = re.compile(r"[^\w-]+", re.ASCII)
_NAME_LIMIT = 64
#: Whose messages they become. An exchange holds the user's words and the answer.
_SHOWN_AS = {"user": "user", "assistant": "assistant", "system": "system", "tool": "user", "exchange": "user"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Turns that are shown together or not at all: one turn, or an assistant's with the tools' results."""

    turns: tuple[Turn, ...]
    messages: tuple[Message, ...]
    tokens: int

    @property
    def has_tools(self) -> bool:
        return any(turn.role == "tool" for turn in self.turns)


def passages(turns: Sequence[Turn], count: Counter) -> list[Passage]:
    """Return the passages of a conversation, oldest first. Turns without anything to show have none."""
    results = _results(turns)
    answered = {turn.turn_id for by_id in results.values() for turn in by_id.values()}
    found = []
    for turn in turns:
        if turn.role not in _SHOWN_AS or turn.turn_id in answered:
            continue
        shown = _with_results(turn, results.get(turn.turn_id, {}))
        if shown:
            messages = tuple(message for _, message in shown)
            together = tuple(said for said, _ in shown)
            found.append(Passage(turns=together, messages=messages, tokens=tokens_of(messages, count)))
    return found


def _results(turns: Sequence[Turn]) -> dict[str, dict[str, Turn]]:
    """Return the results of each assistant's turn that called tools: turn id -> call id -> the tool's turn.

    Some models number their calls anew each time: a result belongs to the last call of its id.
    """
    caller: dict[str, str] = {}
    results: dict[str, dict[str, Turn]] = {}
    for turn in turns:
        for call in _calls(turn):
            caller[call["id"]] = turn.turn_id
        call_id = turn.metadata.get("tool_call_id")
        if turn.role == "tool" and isinstance(call_id, str) and call_id in caller:
            results.setdefault(caller[call_id], {}).setdefault(call_id, turn)
    return results


def _with_results(turn: Turn, results: Mapping[str, Turn]) -> list[tuple[Turn, Message]]:
    calls = [call for call in _calls(turn) if call["id"] in results]
    if turn.role == "tool" and "tool_call_id" in turn.metadata:
        return []  # its call is not among the turns
    if not turn.content and not calls:
        return []
    message = _message(turn)
    if calls:
        message |= {"content": turn.content or None, "tool_calls": calls}
    shown = [(turn, message)]
    for call in calls:
        result = results[call["id"]]
        shown.append((result, {"role": "tool", "content": result.content, "tool_call_id": call["id"]}))
    return shown


def _calls(turn: Turn) -> list[dict[str, Any]]:
    """Return the turn's tool calls that have the API's form, with nothing else in them, no id twice."""
    given = turn.metadata.get("tool_calls") if turn.role == "assistant" else None
    calls: dict[str, dict[str, Any]] = {}
    for call in given if isinstance(given, list) else ():
        match call:
            case {"id": str(call_id), "function": {"name": str(name), "arguments": str(arguments)}}:
                function = {"name": name, "arguments": arguments}
                calls.setdefault(call_id, {"id": call_id, "type": "function", "function": function})
    return list(calls.values())


def _message(turn: Turn) -> Message:
    if turn.role == "tool":
        # What the API takes as a tool's message names a call; this one names none.
        return {"role": "user", "content": f"[result of {turn.speaker}] {turn.content}"}
    message: Message = {"role": _SHOWN_AS[turn.role], "content": turn.content}
    name = _NOT_IN_NAMES.sub("_", turn.name or "").strip("_")[:_NAME_LIMIT]
    return message | {"name": name} if name else message
