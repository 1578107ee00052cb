"""The answer of the chat API: the message of choice 0, from the chunks of a stream or from a whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ChatStream:
    """Collects one message."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {"content": [], "refusal": [], "transcript": []}
        self._calls: dict[int, dict[str, Any]] = {}
        self._function_call: dict[str, Any] = {}
        self._whole: dict[str, Any] | None = None
        self.answer_id: str | None = None

    def add(self, event: Mapping[str, Any]) -> None:
        """Add a chunk. Chunks with usage alone, and other choices, say nothing."""
        self._note_id(event)
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) == 0 and isinstance(choice.get("delta"), dict):
                self._add_delta(choice["delta"])

    def add_whole(self, answer: Mapping[str, Any]) -> None:
        """Add an answer that is no stream."""
        self._note_id(answer)
        choices = answer.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, dict) and choice.get("index", 0) == 0 and isinstance(choice.get("message"), dict):
                self._whole = {"role": "assistant"} | choice["message"]
                return

    def messages(self) -> list[dict[str, Any]]:
        """Return the message, if there is one."""
        if self._whole is not None:
            return [self._whole]
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts["content"]) or None}
        if refusal := "".join(self._texts["refusal"]):
            message["refusal"] = refusal
        if transcript := "".join(self._texts["transcript"]):
            message["audio"] = {"transcript": transcript}
        if self._calls:
            message["tool_calls"] = [self._calls[index] for index in sorted(self._calls)]
        if self._function_call:
            message["function_call"] = self._function_call
        return [message] if len(message) > 2 or message["content"] else []

    def _note_id(self, answer: Mapping[str, Any]) -> None:
        found = answer.get("id")
        self.answer_id = found if isinstance(found, str) else self.answer_id

    def _add_delta(self, delta: dict[str, Any]) -> None:
        audio = delta.get("audio")
        transcript = audio.get("transcript") if isinstance(audio, dict) else None
        for name, text in (
            ("content", delta.get("content")),
            ("refusal", delta.get("refusal")),
            ("transcript", transcript),
        ):
            if isinstance(text, str):
                self._texts[name].append(text)
        calls = delta.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                index = call.get("index")
                kept = self._calls.setdefault(index if isinstance(index, int) else place, {"type": "function"})
                _merge_call(kept, call)
        if isinstance(delta.get("function_call"), dict):
            _merge(self._function_call, delta["function_call"])


def _merge_call(kept: dict[str, Any], call: Mapping[str, Any]) -> None:
    """Add a part of a tool call: ids and names come once, arguments in parts."""
    for name in ("id", "type"):
        if isinstance(call.get(name), str) and call[name]:
            kept[name] = call[name]
    for name in ("function", "custom"):
        if isinstance(call.get(name), dict):
            _merge(kept.setdefault(name, {}), call[name])


def _merge(kept: dict[str, Any], part: Mapping[str, Any]) -> None:
    if isinstance(part.get("name"), str) and part["name"]:
        kept["name"] = part["name"]
    for name in ("arguments", "input"):
        if isinstance(part.get(name), str):
            kept[name] = kept.get(name, "") + part[name]
