"""How many tokens a message of the prompt takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from afterturn.errors import InvalidInput

#: Returns the number of tokens of a text. It must always say the same of the same text.
Counter: TypeAlias = Callable[[str], int]
#: A message in the form of OpenAI's chat API.
Message: TypeAlias = dict[str, Any]

#: What a message takes beside its texts: its role and the marks around it. OpenAI's models take three and one for a
#: name, others up to five. Too small, and a context of many short turns is larger than it says.
MESSAGE_TOKENS = 4


def text_tokens(text: str, count: Counter) -> int:
    """Return the tokens of a text. Raises InvalidInput when the counter gives no whole number, 0 or more."""
    tokens = count(text)
    if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
        raise InvalidInput(f"count_tokens must return a whole number, 0 or more, not {tokens!r}")
    return tokens


def message_tokens(message: Mapping[str, Any], count: Counter) -> int:
    """Return the tokens of one message: its content, name and tool calls, and what each message takes besides."""
    texts = [message[key] for key in ("content", "name", "tool_call_id") if message.get(key)]
    if "tool_calls" in message:
        texts.append(json.dumps(message["tool_calls"], ensure_ascii=False))
    return MESSAGE_TOKENS + sum(text_tokens(text, count) for text in texts)


def tokens_of(messages: Sequence[Mapping[str, Any]], count: Counter) -> int:
    """Return the tokens of all messages."""
    return sum(message_tokens(message, count) for message in messages)
