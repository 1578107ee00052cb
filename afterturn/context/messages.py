"""Turns as messages of OpenAI's chat API, tool calls together with their results.

A tool call is an assistant's turn with `metadata={"tool_calls": [...]}`. Its result is a tool's turn with
`metadata={"tool_call_id": "..."}`, or one of several in `metadata={"tool_results": [...]}`. Both have the form of the
API. The API refuses a result without its call and a call without its result, so that these are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from afterturn.context.counting import Message, TokenCounter, count_messages
from afterturn.turns import Turn

#: Characters that the API does not allow in a name.
_NOT_ALLOWED_IN_NAMES = re.compile(r"[^\w-]+", re.ASCII)
_NAME_LIMIT_CHARACTERS = 64
#: The role of a turn -> the role of its message. An exchange contains the user's words and the answer.
_MESSAGE_ROLES = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
    "tool": "user",
    "function": "user",
    "exchange": "user",
}
_TOOL_ROLES = ("tool", "function")

#: The turn with the result of a tool call, and the text of the result.
_Result: TypeAlias = tuple[Turn, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Turns that are shown together or not at all: one turn, or a turn with tool calls and its results."""

    turns: tuple[Turn, ...]
    messages: tuple[Message, ...]
    tokens: int

    @property
    def has_tool_results(self) -> bool:
        return any(turn.role in _TOOL_ROLES for turn in self.turns)


def build_passages(turns: Sequence[Turn], count: TokenCounter) -> list[Passage]:
    """Return the passages of a conversation, oldest first. A turn with nothing to show has no passage."""
    results = _results_by_calling_turn(turns)
    result_turn_ids = {
        turn.turn_id for by_call in results.values() for turn, _ in by_call.values() if turn.role in _TOOL_ROLES
    }
    passages = []
    for turn in turns:
        if turn.role not in _MESSAGE_ROLES or turn.turn_id in result_turn_ids:
            continue
        pairs = _turn_with_results(turn, results.get(turn.turn_id, {}))
        if pairs:
            messages = tuple(message for _, message in pairs)
            shown_turns = tuple(shown for shown, _ in pairs)
            passages.append(Passage(turns=shown_turns, messages=messages, tokens=count_messages(messages, count)))
    return passages


def _results_by_calling_turn(turns: Sequence[Turn]) -> dict[str, dict[str, _Result]]:
    """Return the results of each turn with tool calls: turn id -> call id -> the result's turn and its text.

    Some models reuse call ids: a result belongs to the last call with its id.
    """
    calling_turn_ids: dict[str, str] = {}
    results: dict[str, dict[str, _Result]] = {}
    for turn in turns:
        for call in _tool_calls(turn):
            calling_turn_ids[call["id"]] = turn.turn_id
        for call_id, text in _tool_results(turn):
            if call_id in calling_turn_ids:
                results.setdefault(calling_turn_ids[call_id], {}).setdefault(call_id, (turn, text))
    return results


def _tool_results(turn: Turn) -> Iterator[tuple[str, str]]:
    """Yield the call id and the text of each result in a turn."""
    call_id = turn.metadata.get("tool_call_id")
    if turn.role == "tool" and isinstance(call_id, str):
        yield call_id, turn.content
    metadata_results = turn.metadata.get("tool_results")
    for result in metadata_results if isinstance(metadata_results, list) else ():
        match result:
            case {"tool_call_id": str(call_id), "content": str(text)}:
                yield call_id, text


def _turn_with_results(turn: Turn, results: Mapping[str, _Result]) -> list[tuple[Turn, Message]]:
    calls = [call for call in _tool_calls(turn) if call["id"] in results]
    if turn.role == "tool" and turn.metadata.keys() & {"tool_call_id", "tool_results"}:
        return []  # its call is not among the turns
    if not turn.content and not calls:
        return []
    message = _to_message(turn)
    if calls:
        message |= {"content": turn.content or None, "tool_calls": calls}
    pairs = [(turn, message)]
    for call in calls:
        result_turn, text = results[call["id"]]
        pairs.append((result_turn, {"role": "tool", "content": text, "tool_call_id": call["id"]}))
    return pairs


def _tool_calls(turn: Turn) -> list[dict[str, Any]]:
    """Return the turn's tool calls that have the API's form, without other keys, each id once."""
    metadata_calls = turn.metadata.get("tool_calls") if turn.role == "assistant" else None
    calls: dict[str, dict[str, Any]] = {}
    for call in metadata_calls if isinstance(metadata_calls, list) else ():
        match call:
            case {"id": str(call_id), "function": {"name": str(name), "arguments": str(arguments)}}:
                function = {"name": name, "arguments": arguments}
                calls.setdefault(call_id, {"id": call_id, "type": "function", "function": function})
            case {"id": str(call_id), "custom": {"name": str(name), "input": str(text)}}:
                calls.setdefault(call_id, {"id": call_id, "type": "custom", "custom": {"name": name, "input": text}})
    return list(calls.values())


def _to_message(turn: Turn) -> Message:
    if turn.role in _TOOL_ROLES:
        # The API requires a call id in a tool message. This turn has none, so that it becomes a user message.
        return {"role": "user", "content": f"[result of {turn.speaker}] {turn.content}"}
    message: Message = {"role": _MESSAGE_ROLES[turn.role], "content": turn.content}
    name = _NOT_ALLOWED_IN_NAMES.sub("_", turn.name or "").strip("_")[:_NAME_LIMIT_CHARACTERS]
    return message | {"name": name} if name else message
