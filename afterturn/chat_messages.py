"""Messages as chat APIs send and return them: what of them is a turn's role, content, name and metadata.

It reads messages of OpenAI's chat API, as dictionaries or as the SDK's objects, items and content parts of the
Responses API, and content blocks of Anthropic's API. The texts of a message are its content. The metadata has the rest:

tool_calls      calls of tools, in the form of OpenAI's chat API
tool_call_id    the call whose result a message of a tool is; `tool_results` where one message has several results
content_parts   images, audio, files and other parts; the content has a mark for each, such as [image] or [file: a.pdf]
...             the other fields of `_KEPT_FIELDS`

Hidden reasoning of a model is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from afterturn import content_parts
from afterturn.content_parts import Parts
from afterturn.errors import InvalidInput


class NotGiven(Enum):
    """The type of NOT_GIVEN, the default of an argument for which None is a valid value: APIs send content=None."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = NotGiven.NOT_GIVEN

#: What an API allows as the content of a message: a text, parts, or nothing beside tool calls.
Content: TypeAlias = str | Sequence[Any] | None


class MessageObject(Protocol):
    """A message as an object of an SDK, such as openai's ChatCompletionMessage."""

    def model_dump(self, *arguments: Any, **options: Any) -> dict[str, Any]: ...


Message: TypeAlias = Mapping[str, Any] | MessageObject

#: The roles of a turn: those of OpenAI's API, and `exchange`: one string with a question and its answer.
ROLES = ("user", "assistant", "system", "developer", "tool", "function", "exchange")
#: The roles of what people say; all others are of an assistant, a tool or a program.
ROLES_OF_PEOPLE = ("user", "exchange")

#: Fields of a message that are kept in the metadata of its turn.
_KEPT_FIELDS = frozenset(
    ["tool_calls", "tool_call_id", "function_call", "refusal", "audio", "annotations", "citations", "id"]
)
#: Fields of a message that say nothing about the conversation, or are a model's hidden reasoning.
_IGNORED_FIELDS = frozenset(
    [
        "cache_control",
        "container",
        "context_management",
        "created",
        "index",
        "logprobs",
        "model",
        "object",
        "parsed",
        "partial",
        "phase",
        "prefix",
        "provider_specific_fields",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "status",
        "stop_reason",
        "stop_sequence",
        "thinking",
        "thinking_blocks",
        "type",
        "usage",
        "weight",
    ]
)
#: Fields whose value becomes another field of the turn.
_READ_FIELDS = frozenset(["role", "content", "name", "images", "tool_name"])
MESSAGE_FIELDS = _KEPT_FIELDS | _IGNORED_FIELDS | _READ_FIELDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The fields of a turn that a message becomes. The role and the content are not validated."""

    role: Any
    content: str
    name: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def is_message(value: object) -> bool:
    """Return whether `value` can be a whole message: a mapping, or an object of an SDK."""
    return isinstance(value, Mapping) or callable(getattr(value, "model_dump", None))


def read(
    role: object,
    content: object,
    fields: Mapping[str, Any],
    *,
    name: object = None,
    metadata: Mapping[str, Any] | None = None,
    limit_bytes: int,
) -> Said:
    """Convert a message to the fields of a turn.

    Args:
        role: the role, or the whole message.
        content: the content, or NOT_GIVEN. A role without content that is none of ROLES is a whole exchange.
        fields: the other fields of the message.
        name: the speaker's name.
        metadata: the caller's own data.
        limit_bytes: the largest allowed turn, of which inline data of images and files take a part at most.

    Raises InvalidInput, which never repeats what was said.
    """
    try:
        message = _merge_arguments(role, content, fields, name)
        message = _from_item(message)
        return _read_message(message, metadata, limit_bytes)
    except RecursionError:
        raise InvalidInput("the message is nested too deeply") from None


def _merge_arguments(role: object, content: object, fields: Mapping[str, Any], name: object) -> dict[str, Any]:
    """Return one dictionary with all fields of the message. Raises InvalidInput for unknown ones."""
    if is_message(role):
        if content is not NOT_GIVEN:
            raise InvalidInput("content is given twice: in the message, and as an argument")
        message = {**_whole_message(role), **fields}
    elif isinstance(role, str) and role not in ROLES and content is NOT_GIVEN and not fields:
        message = {"role": "exchange", "content": role}
    else:
        message = {**fields}
        message |= {} if role is NOT_GIVEN else {"role": role}
        message |= {} if content is NOT_GIVEN else {"content": content}
    if name is not None:
        message["name"] = name
    if unknown := message.keys() - MESSAGE_FIELDS - _ITEM_FIELDS:
        name_shown = min(map(str, unknown))
        shown = name_shown if name_shown.isidentifier() and len(name_shown) <= 40 else "an unknown field"
        raise InvalidInput(f"{shown} is not a field of a message; put your own data into metadata")
    return message


def _whole_message(message: object) -> dict[str, Any]:
    """Return the fields of a message. An SDK object's own fields and fields that are None are omitted."""
    if isinstance(message, Mapping):
        return dict(message)
    dumped = content_parts.to_plain(message)
    if not isinstance(dumped, dict):
        raise InvalidInput(f"{type(message).__name__} is not a message")
    return {key: value for key, value in dumped.items() if key in MESSAGE_FIELDS | _ITEM_FIELDS}


#: Fields of the items of the Responses API that are no messages.
_ITEM_FIELDS = frozenset(["call_id", "arguments", "output"])


def _from_item(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in place of an item of the Responses API without a role: a tool call, or its result."""
    if "role" in message:
        if beside := sorted(message.keys() & _ITEM_FIELDS):
            raise InvalidInput(f"{beside[0]} is not a field of a message; put your own data into metadata")
        return message
    match message:
        case {"type": "function_call", "call_id": str(call_id), "name": str(name), "arguments": str(arguments)}:
            call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            return {"role": "assistant", "content": None, "tool_calls": [call]}
        case {"type": "function_call_output", "call_id": str(call_id), "output": output}:
            return {"role": "tool", "content": output, "tool_call_id": call_id}
    raise InvalidInput(f"role is missing; it must be one of {', '.join(ROLES)}")


def _read_message(message: Mapping[str, Any], metadata: Mapping[str, Any] | None, limit_bytes: int) -> Said:
    parts = Parts(inline_bytes=limit_bytes // 4)
    parts.add_content(message.get("content"))
    parts.add_images(message.get("images"))
    fields = _kept_fields(message, parts)
    role, content = message["role"], parts.text or _text_of_fields(fields)
    if parts.tool_results and not content:
        # The words are the tool's, even if the API sends its results in a message of the user.
        role = "tool"
        content = "\n".join(result["content"] for result in parts.tool_results)
        if len(parts.tool_results) == 1 and "tool_call_id" not in fields:
            fields["tool_call_id"] = fields.pop("tool_results")[0]["tool_call_id"]
    return Said(
        role=role,
        content=content,
        name=message.get("name") or message.get("tool_name"),
        metadata=_merge_metadata(fields, metadata),
    )


def _kept_fields(message: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    """Return what of the message belongs into the metadata, as JSON data."""
    fields = {
        key: parts.shorten(content_parts.to_plain(message[key]))
        if key == "audio"
        else content_parts.to_plain(message[key])
        for key in sorted(message.keys() & _KEPT_FIELDS)
        if message[key] is not None and message[key] != []
    }
    for key, found in (
        ("tool_calls", parts.tool_calls),
        ("annotations", parts.annotations),
        ("tool_results", parts.tool_results),
        ("content_parts", parts.kept),
    ):
        if found:
            earlier = fields.get(key, [])
            fields[key] = [*earlier, *found] if isinstance(earlier, list) else found
    return fields


def _text_of_fields(fields: Mapping[str, Any]) -> str:
    """Return the words of a message without content: a refusal, or the transcript of spoken words."""
    refusal, audio = fields.get("refusal"), fields.get("audio")
    transcript = audio.get("transcript") if isinstance(audio, dict) else None
    return next((text for text in (refusal, transcript) if isinstance(text, str)), "")


def _merge_metadata(fields: Mapping[str, Any], metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not fields:
        return metadata or {}
    if metadata is not None and not isinstance(metadata, Mapping):
        raise InvalidInput(f"metadata must be a mapping, not {type(metadata).__name__}")
    own = dict(metadata or {})
    for key in own.keys() & fields.keys():
        if json.dumps(content_parts.to_plain(own[key]), sort_keys=True, default=str) != json.dumps(
            fields[key], sort_keys=True, default=str
        ):
            raise InvalidInput(f"{key} is given twice: in the message, and in metadata with another value")
    return own | dict(fields)
