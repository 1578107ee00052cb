"""The messages of a conversation that become turns, and a digest of what each says.

Clients send back what they were sent with small changes: without the model's thoughts, with other blanks, with the
members of tool calls in another order. The digest ignores these, so that they are no edits of the conversation.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from afterturn import chat_messages, ids
from afterturn.chat_messages import MESSAGE_FIELDS, NOT_GIVEN, ROLES, Said
from afterturn.content_parts import Parts
from afterturn.context import memory_block
from afterturn.errors import InvalidInput
from api_shim.chat import json_spans

#: Members of the items of the Responses API that have no role.
_ITEM_FIELDS = frozenset(["type", "call_id", "name", "arguments", "output"])
#: Instructions of the application are no turns: they say nothing about the user, and are sent again with each call.
_INSTRUCTIONS = ("system", "developer")
_THOUGHTS = re.compile(r"<(think|thinking)>.*?(?:</\1>|\Z)", re.DOTALL)
#: The part of AFTERTURN_TURN_LIMIT_BYTES that the content of a turn may take. JSON escapes and metadata take the rest.
_CONTENT_SHARE = 0.6
#: Where the beginning of a system prompt ends, for the id of a session. Longer: dates and retrieved texts, which many
#: applications put into it, make each request a session of its own.
_SYSTEM_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """One message that becomes a turn."""

    role: str
    content: str
    name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: 16 hexadecimal digits.
    digest: str
    #: Whether it is the answer to this request, not a message in it.
    is_answer: bool = False

    def fields(self, turn_id: str) -> dict[str, Any]:
        """Return the arguments of `write_many` for the turn."""
        return {
            "turn_id": turn_id,
            "role": self.role,
            "content": self.content,
            "name": self.name,
            "metadata": self.metadata,
        }


def read_messages(messages: Iterable[object], *, limit_bytes: int, are_answer: bool = False) -> list[Spoken]:
    """Return what becomes turns. Instructions, reasoning, and what is no message are left out.

    Args:
        messages: messages of the chat API, or items of the Responses API.
        limit_bytes: the largest turn. Longer ones are cut.
        are_answer: whether they are the answer to a request.
    """
    found = (_read_message(message, limit_bytes, are_answer) for message in messages)
    return [spoken for spoken in found if spoken is not None]


def derive_session_id(messages: list[Any], instructions: object) -> str:
    """Return the id of a conversation without one, from its beginning.

    That is the first message of the user, and the beginning of the system prompt without its digits: many prompts
    have the date.
    """
    system = [instructions] if isinstance(instructions, str) else []
    system += [json_spans.join_text(each) for each in messages if _role(each) in _INSTRUCTIONS][: 1 - len(system)]
    opening = next((each for each in messages if _role(each) == "user"), None)
    said = [] if opening is None else _said_by(opening, limit_bytes=1_000_000)
    beginning = re.sub(r"\d+", "", "".join(system)[:_SYSTEM_CHARACTERS])
    return f"chat-{_hash(beginning, said)[:32]}"


def _read_message(message: object, limit_bytes: int, is_answer: bool) -> Spoken | None:
    if not isinstance(message, dict) or _role(message) in _INSTRUCTIONS:
        return None
    try:
        said = _read(message, limit_bytes)
    except InvalidInput:
        return None
    content = memory_block.remove_blocks(said.content)
    if said.role not in ROLES or not (content or said.metadata):
        return None
    return Spoken(
        role=said.role,
        content=_cut(content, int(limit_bytes * _CONTENT_SHARE)),
        name=_valid_name(said.name),
        metadata=Parts(inline_bytes=limit_bytes // 8).shorten(dict(said.metadata)),
        digest=_hash(*_comparable(said.role, content, said.metadata))[:16],
        is_answer=is_answer,
    )


def _read(message: dict[str, Any], limit_bytes: int) -> Said:
    """Read a message. Members that no chat API has are ignored: the endpoint may have its own."""
    known = MESSAGE_FIELDS if "role" in message else _ITEM_FIELDS
    fields = {name: value for name, value in message.items() if name in known}
    return chat_messages.read(fields, NOT_GIVEN, {}, limit_bytes=limit_bytes)


def _said_by(message: dict[str, Any], *, limit_bytes: int) -> list[Any]:
    try:
        said = _read(message, limit_bytes)
    except InvalidInput:
        return [json_spans.join_text(message)]
    return _comparable(said.role, memory_block.remove_blocks(said.content), said.metadata)


def _comparable(role: str, content: str, metadata: Mapping[str, Any]) -> list[Any]:
    """Return what two versions of one message have in common."""
    if role in ("tool", "function") and metadata.get("tool_call_id"):
        # Agents shorten the results of old calls to save tokens.
        return [role, metadata["tool_call_id"]]
    words = " ".join(_THOUGHTS.sub(" ", content).split()) if role == "assistant" else " ".join(content.split())
    calls = metadata.get("tool_calls")
    return [
        role,
        words,
        [_comparable_call(call) for call in calls] if isinstance(calls, list) else [],
        metadata.get("content_parts", []) if role == "user" else [],
    ]


def _comparable_call(call: object) -> object:
    match call:
        case {"function": {"name": name, "arguments": str(arguments)}} | {
            "custom": {"name": name, "input": str(arguments)}
        }:
            try:
                return [name, json_spans.decode(arguments)]
            except (ValueError, RecursionError):
                return [name, arguments.strip()]
    return call


def _hash(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def _cut(text: str, limit_bytes: int) -> str:
    """Return a text of at most this size in UTF-8, with a note of what is left out."""
    if len(text) * 4 <= limit_bytes:
        return text
    encoded = text.encode("utf-8", errors="surrogatepass")
    if len(encoded) <= limit_bytes:
        return text
    kept = encoded[:limit_bytes].decode("utf-8", errors="ignore")
    return f"{kept}\n[{len(text) - len(kept)} more characters]"


def _valid_name(name: object) -> str | None:
    try:
        return None if name is None else ids.validate_id("name", name)
    except InvalidInput:
        return None


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, dict) else None
