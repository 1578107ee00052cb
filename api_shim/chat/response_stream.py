"""The answer of the Responses API: the items of its output, from the events of a stream or from a whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Events that have the whole response, so that what the others said before is not needed.
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_TEXT_DELTAS = ("response.output_text.delta", "response.refusal.delta")


class ResponseStream:
    """Collects the items of one output."""

    def __init__(self) -> None:
        #: By index in the output: the whole item, or the parts of its text so far.
        self._items: dict[int, dict[str, Any] | list[str]] = {}
        self._output: list[dict[str, Any]] | None = None
        self.answer_id: str | None = None

    def add(self, event: Mapping[str, Any]) -> None:
        """Add an event."""
        kind, index, item = event.get("type"), event.get("output_index"), event.get("item")
        if isinstance(event.get("response"), dict):
            self._note_response(event["response"], is_end=kind in _ENDS)
        elif not isinstance(index, int):
            return
        elif kind in _TEXT_DELTAS and isinstance(event.get("delta"), str):
            texts = self._items.setdefault(index, [])
            if isinstance(texts, list):
                texts.append(event["delta"])
        elif kind == "response.output_item.done" and isinstance(item, dict):
            self._items[index] = item

    def add_whole(self, answer: Mapping[str, Any]) -> None:
        """Add an answer that is no stream."""
        self._note_response(answer, is_end=True)

    def messages(self) -> list[dict[str, Any]]:
        """Return the items of the output, as far as they were delivered."""
        if self._output:
            return self._output
        return [
            item if isinstance(item, dict) else {"role": "assistant", "content": "".join(item)}
            for _, item in sorted(self._items.items())
        ]

    def _note_response(self, response: Mapping[str, Any], *, is_end: bool) -> None:
        if isinstance(response.get("id"), str):
            self.answer_id = response["id"]
        output = response.get("output")
        if is_end and isinstance(output, list):
            self._output = [item for item in output if isinstance(item, dict)]
