"""Count the tokens of messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from afterturn.errors import InvalidInput

#: Returns the number of tokens of a text. It must return the same number for the same text.
TokenCounter: TypeAlias = Callable[[str], int]
#: A message in the form of OpenAI's chat API.
Message: TypeAlias = dict[str, Any]

#: Tokens of a message besides its texts: its role and the marks around it. OpenAI's models use three, and one for a
#: name; others use up to five. If it is too small, a context of many short turns is larger than its `tokens` says.
MESSAGE_OVERHEAD_TOKENS = 4


def count_text(text: str, count: TokenCounter) -> int:
    """Return the tokens of a text. Raises InvalidInput when the counter does not return an integer of 0 or more."""
    tokens = count(text)
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise InvalidInput(f"count_tokens must return an integer, 0 or more, not {tokens!r}")
    return tokens


def count_message(message: Mapping[str, Any], count: TokenCounter) -> int:
    """Return the tokens of one message: its content, name and tool calls, and the overhead of a message."""
    texts = [message[key] for key in ("content", "name", "tool_call_id") if message.get(key)]
    if "tool_calls" in message:
        texts.append(json.dumps(message["tool_calls"], ensure_ascii=False))
    return MESSAGE_OVERHEAD_TOKENS + sum(count_text(text, count) for text in texts)


def count_messages(messages: Sequence[Mapping[str, Any]], count: TokenCounter) -> int:
    """Return the tokens of all messages."""
    return sum(count_message(message, count) for message in messages)
