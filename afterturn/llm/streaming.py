"""Decode the streamed answer of a chat model, piece by piece. No I/O."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn import tokens
from afterturn.errors import AnswerMalformed, ModelRefused, ModelUnavailable
from afterturn.llm import completion
from afterturn.llm.completion import SETTING_NAMES, Usage, mapping
from afterturn.turns import make_storable


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnd:
    """The end of a streamed answer, and its cost."""

    #: The model name in the answer. It may be more exact than the requested name.
    model: str
    #: "stop", or "length" if the answer was truncated.
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    #: The part of the prompt tokens that the provider had cached.
    cached_tokens: int
    #: Whether the tokens are estimated from the texts, because the endpoint did not report them.
    is_estimated: bool


class StreamedAnswer:
    """One answer, as far as it has arrived."""

    def __init__(self, model: str, messages: Sequence[Mapping[str, Any]]) -> None:
        """`model` and `messages` are those of the request."""
        self._model = model
        self._messages = messages
        self._text: list[str] = []
        self._finish_reason = ""
        self._has_refused = False
        self._usage: Usage | None = None

    @property
    def has_begun(self) -> bool:
        """Whether any of its text has arrived."""
        return bool(self._text)

    def add(self, event: Mapping[str, Any]) -> list[str]:
        """Add one object of the stream, and return its text: one piece or none.

        Raises ModelUnavailable when the object is not of this protocol.
        """
        self._model = completion.read_model_name(event) or self._model
        if isinstance(event.get("usage"), Mapping):
            self._usage = completion.read_usage(event)
        choices = event.get("choices")
        if not isinstance(choices, list):
            raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
        # The last event has the usage and no choice.
        choice = mapping(choices[0]) if choices else {}
        # An endpoint that does not stream sends a whole message.
        said = mapping(choice.get("delta")) or mapping(choice.get("message"))
        self._has_refused |= bool(said.get("refusal"))
        self._finish_reason = str(choice.get("finish_reason") or self._finish_reason)
        content = completion.content_text(said.get("content"))
        if not content:
            return []
        self._text.append(make_storable(content))
        return self._text[-1:]

    def end(self) -> StreamEnd:
        """Return the end of the answer, after the last object.

        Raises ModelRefused, AnswerMalformed when it has no text, or ModelUnavailable when it is incomplete.
        """
        usage = self._usage or self._estimated()
        spent = {"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens}
        if self._has_refused:
            raise ModelRefused("the model refused to answer", **spent)
        if self._finish_reason == "content_filter":
            raise ModelRefused("the endpoint's content filter stopped the answer", **spent)
        if not self._finish_reason:
            raise ModelUnavailable("the endpoint closed the connection in the middle of its answer")
        if not self._text:
            raise AnswerMalformed("the model's answer is empty", **spent)
        return StreamEnd(
            model=self._model,
            finish_reason=self._finish_reason,
            cached_tokens=usage.cached_tokens,
            is_estimated=self._usage is None,
            **spent,
        )

    def _estimated(self) -> Usage:
        contents = (message.get("content") for message in self._messages)
        prompt = sum(tokens.estimate(content) for content in contents if isinstance(content, str))
        answer = tokens.estimate("".join(self._text)) if self._text else 0
        return Usage(prompt_tokens=prompt, completion_tokens=answer, cached_tokens=0)


def gather(events: Iterable[Mapping[str, Any]], *, timeout_seconds: float) -> dict[str, Any]:
    """Return the whole answer of a stream, in the form of an answer that is not streamed.

    For endpoints that answer only as a stream. Raises ModelUnavailable after the timeout, or if the stream is
    incomplete.
    """
    deadline = time.monotonic() + timeout_seconds
    answer: dict[str, Any] = {}
    message: dict[str, str] = {}
    arguments: dict[str, str] = {}
    finish_reason = ""
    for event in events:
        if time.monotonic() > deadline:
            raise ModelUnavailable(f"the endpoint did not answer within {timeout_seconds:g} s")
        answer |= {name: event[name] for name in ("model", "usage") if event.get(name)}
        choices = event.get("choices")
        choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
        said = mapping(choice.get("delta")) or mapping(choice.get("message"))
        for name in ("content", "reasoning_content", "reasoning", "refusal"):
            message[name] = message.get(name, "") + completion.content_text(said.get(name))
        for place, piece in completion.argument_pieces(said):
            arguments[place] = arguments.get(place, "") + piece
        finish_reason = str(choice.get("finish_reason") or finish_reason)
    if not finish_reason:
        raise ModelUnavailable("the endpoint closed the connection in the middle of its answer")
    calls = [{"function": {"arguments": text}} for text in arguments.values()]
    return answer | {"choices": [{"message": message | {"tool_calls": calls}, "finish_reason": finish_reason}]}
