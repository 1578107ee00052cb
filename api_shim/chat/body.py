"""The body of a chat request: what of it afterturn reads, and how the memory block is inserted.

All bytes but those that are inserted stay as they came. A body that is no JSON object, or has another form than the API
says, is passed on as it came: the endpoint judges it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Literal

from afterturn.context import memory_block
from api_shim.chat import json_spans
from api_shim.chat.json_spans import Span

#: The call, by the member that has the conversation: the chat API has `messages`, the Responses API `input`.
Conversation = Literal["messages", "input"]

_SYSTEM_ROLES = ("system", "developer")
#: The type of a text part of a user's message.
_TEXT_PARTS = {"messages": "text", "input": "input_text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatBody:
    """A parsed body."""

    conversation: Conversation
    text: str
    #: Where the object begins.
    start: int
    #: The members of the body by name.
    members: dict[str, Span] = field(repr=False)

    @property
    def messages(self) -> list[Any]:
        """The messages of the conversation, as they were decoded."""
        found = self.members[self.conversation].value
        if isinstance(found, str):
            return [{"role": "user", "content": found}]
        return [span.value for span in found]

    def value(self, name: str) -> Any:
        """Return the value of a member, or None."""
        found = self.members.get(name)
        return None if found is None or name == self.conversation else found.value

    @property
    def last_user_index(self) -> int | None:
        """The index of the last message of the user."""
        messages = self.messages
        return next((i for i in reversed(range(len(messages))) if _role(messages[i]) == "user"), None)

    @property
    def last_user_text(self) -> str:
        """The text of the last message of the user, without a memory block; empty if it has none."""
        index = self.last_user_index
        if index is None:
            return ""
        texts = json_spans.iterate_text(self.messages[index].get("content"))
        return memory_block.remove_blocks("\n".join(texts)).strip()

    def with_block(self, block: str, place: Literal["message", "system"]) -> bytes | None:
        """Return the body with the memory block, or None if no message can take it or one has a block already."""
        found = self._find_system_place(block) if place == "system" else self._find_message_place(block)
        if found is None:
            return None
        position, addition = found
        return _encode(self.text[:position] + addition + self.text[position:])

    def _find_message_place(self, block: str) -> tuple[int, str] | None:
        """Return where text is inserted into the last message of the user, and the text."""
        index, conversation = self.last_user_index, self.members[self.conversation]
        if index is None:
            return None
        if isinstance(conversation.value, str):
            return _insertion(conversation, block, "")
        return self._place_in(conversation.value[index], block)

    def _find_system_place(self, block: str) -> tuple[int, str] | None:
        """Return where text is inserted into the system prompt, and the text; there may be no system prompt yet."""
        conversation, instructions = self.members[self.conversation], self.members.get("instructions")
        if self.conversation == "input" and instructions is not None and isinstance(instructions.value, str):
            return _insertion(instructions, block, "")
        spans = [] if isinstance(conversation.value, str) else conversation.value
        first = next((span for span in spans if _role(span.value) in _SYSTEM_ROLES), None)
        if first is not None:
            return self._place_in(first, block)
        if self.conversation == "input":
            return None if instructions else (self.start + 1, f'"instructions":{json.dumps(block)},')
        separator = "," if spans else ""
        return conversation.start + 1, json.dumps({"role": "system", "content": block}) + separator

    def _place_in(self, message: Span, block: str) -> tuple[int, str] | None:
        content = json_spans.read_object(self.text, message.start)[0].get("content")
        return None if content is None else _insertion(content, block, _TEXT_PARTS[self.conversation])


def parse(content: bytes, conversation: Conversation) -> ChatBody | None:
    """Parse a body. Returns None for one that has no conversation that memory can be added to."""
    # Bytes that are not UTF-8 survive as lone surrogates.
    text = content.decode("utf-8", errors="surrogateescape")
    start = 1 if text.startswith("\ufeff") else 0
    try:
        members, end = json_spans.read_object(text, start, arrays=(conversation,))
    except (ValueError, RecursionError):
        return None
    if not json_spans.is_end(text, end):
        return None
    found = members.get(conversation)
    if found is None or not (
        isinstance(found.value, list) or (isinstance(found.value, str) and conversation == "input")
    ):
        return None
    return ChatBody(conversation=conversation, text=text, start=text.index("{", start), members=members)


def _insertion(content: Span, block: str, part_type: str) -> tuple[int, str] | None:
    """Return where the block is inserted into a content, a string or an array of parts, and the text."""
    if any(memory_block.PREAMBLE in text for text in json_spans.iterate_text(content.value)):
        return None
    if isinstance(content.value, str):
        return content.end - 1, json.dumps(("\n\n" if content.value else "") + block)[1:-1]
    if isinstance(content.value, list):
        separator = "," if content.value else ""
        return content.end - 1, separator + json.dumps({"type": part_type, "text": block})
    return None


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, dict) else None


def _encode(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogateescape")
