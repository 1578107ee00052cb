"""Items of agent frameworks: JSON values that a session keeps exactly, each beside a readable turn.

A framework reads back what it wrote: the order of keys, NUL, lone surrogates and items without a role included.
Postgres stores none of these in JSON, so an item is a string in the metadata of its turn: JSON in ASCII. The turn's
role and content are what history and recall show, and what facts are extracted from.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import from_json

from afterturn import chat_messages, ids, turns
from afterturn.chat_messages import NOT_GIVEN, ROLES, Said
from afterturn.errors import InvalidId, InvalidInput, ItemNotJson, TurnTooLarge

#: The key of an item in the metadata of its turn.
METADATA_KEY = "~item"

#: Fields of an item that a turn's metadata has too: context shows calls of tools with their results.
_TOOL_FIELDS = ("tool_calls", "tool_call_id", "tool_results")
#: Fields of items without a role.
_ITEM_FIELDS = frozenset(["arguments", "call_id", "output"])
#: Role of a turn of another door -> role of the message that it is shown as.
_MESSAGE_ROLES = {"exchange": "user", "tool": "assistant", "function": "assistant"}


def encode(item: object) -> str:
    """Return an item as JSON in ASCII. Raises ItemNotJson."""
    try:
        return json.dumps(item, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        # The message of a TypeError names a type, that of the others a reason; none repeats the item.
        raise ItemNotJson(f"an item is not JSON: {error}") from error


def make_payload(
    item: object,
    *,
    turn_limit_bytes: int,
    item_limit_bytes: int,
    agent_id: str | None = None,
    memories_shown: Sequence[str] = (),
) -> tuple[str, bytes]:
    """Return the id and the payload of a new turn with an item.

    Args:
        item: JSON data.
        turn_limit_bytes: the size of a turn; what is longer to read is shortened, the item is kept whole.
        item_limit_bytes: the largest payload with an item.
        agent_id: the agent that wrote the item.
        memories_shown: ids of the memories that were in the prompt.

    Raises ItemNotJson or TurnTooLarge.
    """
    text = encode(item)
    said = describe(item, turn_limit_bytes=turn_limit_bytes)
    metadata = dict(said.metadata) if len(text) <= turn_limit_bytes else {}
    turn_id, payload = turns.make_payload(
        said.role,
        said.content,
        limit_bytes=sys.maxsize,
        name=said.name,
        agent_id=agent_id,
        metadata=metadata | {METADATA_KEY: text},
        memories_shown=memories_shown if said.role == "assistant" else (),
    )
    if len(payload) > item_limit_bytes:
        raise TurnTooLarge(
            f"an item has {len(payload)} bytes; half of AFTERTURN_PENDING_LIMIT_BYTES_PER_SHARD is {item_limit_bytes}"
        )
    return turn_id, payload


def describe(item: object, *, turn_limit_bytes: int) -> Said:
    """Return role, content, name and metadata of the readable turn of an item. Any item has one."""
    fields = _message_fields(item) if isinstance(item, Mapping) else {}
    try:
        said = chat_messages.read(fields, NOT_GIVEN, {}, limit_bytes=turn_limit_bytes)
    except InvalidInput:
        content = fields.get("content")
        said = Said(role=_role_of(fields), content=content if isinstance(content, str) else "")
    return Said(
        role=said.role if said.role in ROLES else "assistant",
        content=_shorten(said.content, turn_limit_bytes // 4),
        name=_valid_name(said.name),
        metadata={key: said.metadata[key] for key in _TOOL_FIELDS if key in said.metadata},
    )


def read_payloads(payloads: Sequence[bytes]) -> list[tuple[str, str]]:
    """Return the id of the turn in each payload and the JSON of its item, without payloads of anything else."""
    try:
        # Together they take half of the time.
        parsed = from_json(b"[%b]" % b",".join(payloads), cache_strings="keys")
    except ValueError:
        parsed = []
    if len(parsed) != len(payloads):
        parsed = [_parse(payload) for payload in payloads]
    found = [_read_item(data) for data in parsed]
    return [item for item in found if item is not None]


def _parse(payload: bytes) -> Any:
    try:
        return from_json(payload, cache_strings="keys")
    except ValueError:
        return None


def _read_item(data: Any) -> tuple[str, str] | None:
    try:
        if data["v"] > turns.PAYLOAD_VERSION or "role" not in data or "kind" in data:
            return None
        text = text_of(data["role"], data["content"], data.get("metadata", {}))
        return None if text is None else (data["id"], text)
    except (KeyError, TypeError, AttributeError):
        return None


def text_of(role: str, content: str, metadata: Mapping[str, Any]) -> str | None:
    """Return the JSON of a turn's item. A turn that another door wrote is a message; one without words is none."""
    text = metadata.get(METADATA_KEY)
    if isinstance(text, str):
        return text
    return json.dumps({"role": _MESSAGE_ROLES.get(role, role), "content": content}) if content else None


def _message_fields(item: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the fields of an item that a message of a chat API can have."""
    known = {key: value for key, value in item.items() if key in chat_messages.MESSAGE_FIELDS or key in _ITEM_FIELDS}
    if "role" in known:
        known = {key: value for key, value in known.items() if key not in _ITEM_FIELDS}
        if known["role"] not in ROLES:
            known["role"] = "assistant"
    elif "type" in item:
        known["type"] = item["type"]
    return known


def _role_of(fields: Mapping[str, Any]) -> str:
    """Return the role of an item that is no message: results come from tools, everything else from the model."""
    role = fields.get("role")
    if isinstance(role, str):
        return role
    return "tool" if str(fields.get("type")).endswith("_output") else "assistant"


def _valid_name(name: object) -> str | None:
    try:
        return ids.validate_id("name", name)
    except InvalidId:
        return None


def _shorten(text: str, limit_characters: int) -> str:
    """Return the beginning and the end of a text that is too long."""
    if len(text) <= limit_characters:
        return text
    end = limit_characters // 4
    omitted = len(text) - limit_characters
    return f"{text[: limit_characters - end]}\n[… {omitted} characters omitted …]\n{text[-end:]}"
