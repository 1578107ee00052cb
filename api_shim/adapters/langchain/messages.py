"""LangChain's messages as turns, and the memory block in them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
    convert_to_openai_messages,
)

from afterturn import ids
from afterturn.client import plans
from afterturn.errors import InvalidId


def last_human(messages: Sequence[BaseMessage]) -> int | None:
    """Return the place of the last message of the user; None if there is none."""
    places = [place for place, each in enumerate(messages) if isinstance(each, HumanMessage) and not _is_made(each)]
    return places[-1] if places else None


def since_last_answer(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the messages after the last answer of the model: what it is asked now."""
    answered = [place for place, each in enumerate(messages) if isinstance(each, AIMessage)]
    new = messages[answered[-1] + 1 :] if answered else messages
    return [each for each in new if isinstance(each, HumanMessage | ToolMessage) and not _is_made(each)]


def name_answers(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return the answers among the messages. Each gets an id, if it has none, by which state and memory know it."""
    answers = [each for each in messages if isinstance(each, AIMessage)]
    for each in answers:
        if each.id is None:
            each.id = str(uuid.uuid4())
    return list(answers)


def to_turn(message: BaseMessage, memories_shown: Sequence[str]) -> dict[str, Any]:
    """Return a message as the arguments of a turn. Its id is that of the message, so that a repeated run adds nothing.

    `memories_shown`: the memories that the model saw, for an answer.
    """
    converted = convert_to_openai_messages(message)
    assert isinstance(converted, dict), "one message is converted to one message"
    if isinstance(message.content, list) and isinstance(message, AIMessage):
        # Reasoning and provider's own blocks are not said to anybody.
        converted["content"] = str(message.text) or None
    if message.id is not None and _is_valid(message.id):
        converted["turn_id"] = message.id
    if memories_shown and isinstance(message, AIMessage):
        converted["memories_shown"] = tuple(memories_shown)
    return converted


def is_empty(turn: Mapping[str, Any]) -> bool:
    """Whether a turn says nothing and calls no tool."""
    return not turn.get("content") and not turn.get("tool_calls")


def query_of(message: BaseMessage) -> str:
    """Return the text of a message to recall by: its beginning and its end."""
    return plans.memory_block.shorten_query(str(message.text))


def field_of(session_id: str, place: int, message: BaseMessage) -> str:
    """Return the name under which the memory block of a message is remembered for its tool loop."""
    return plans.memory_block.message_field(session_id, str(place), message.id or "", str(message.text))


def with_block(message: BaseMessage, block: str) -> BaseMessage:
    """Return a copy of a message with the memory block at its end."""
    if isinstance(message.content, str):
        content: str | list[Any] = f"{message.content}\n\n{block}" if message.content else block
    else:
        content = [*message.content, {"type": "text", "text": block}]
    return message.model_copy(update={"content": content})


def system_with_block(message: SystemMessage | None, block: str) -> SystemMessage:
    """Return the system message with the memory block at its end."""
    if message is None:
        return SystemMessage(block)
    found = with_block(message, block)
    assert isinstance(found, SystemMessage), "a copy has the type of the original"
    return found


def _is_made(message: BaseMessage) -> bool:
    """Whether another middleware made this message, such as a summary of older ones."""
    return "lc_source" in message.additional_kwargs


def _is_valid(turn_id: str) -> bool:
    try:
        ids.validate_id("turn_id", turn_id)
    except InvalidId:
        return False
    return True
