"""Dialects: how to request structured output from an endpoint, and what to try when it rejects a request.

Known differences: LM Studio accepts json_schema but not json_object. DeepSeek accepts json_object but not json_schema,
and its reasoning models accept no forced tool. Ollama's models "do not support tools" unless their template does.
OpenAI's reasoning models accept max_completion_tokens but not max_tokens, and no temperature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from afterturn.endpoints.failures import Failure

Mode = Literal["json_schema", "tool", "json_object", "prompt"]

_NEXT_MODE: dict[Mode, Mode] = {"json_schema": "tool", "tool": "json_object", "json_object": "prompt"}

#: The words in an error that show that the endpoint rejects the mode.
_ABOUT_MODE: dict[Mode, re.Pattern[str]] = {
    "json_schema": re.compile(r"response_format|json_?schema|structured|schema|grammar|guided|strict", re.IGNORECASE),
    "tool": re.compile(r"tool|function", re.IGNORECASE),
    "json_object": re.compile(r"response_format|json_object|json mode", re.IGNORECASE),
    "prompt": re.compile(r"(?!)"),
}
_ABOUT_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_ABOUT_STREAM_USAGE = re.compile(r"stream_options|include_usage", re.IGNORECASE)
_ABOUT_TOKENS = re.compile(r"max_tokens|max_completion_tokens", re.IGNORECASE)

#: Gateways answer 404 when no provider supports the request; some local servers answer 500 or 501.
_REJECTIONS = frozenset({400, 404, 405, 415, 422, 500, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one endpoint accepts. The defaults fit most endpoints."""

    mode: Mode = "json_schema"
    #: The name of the limit of the answer.
    tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    #: Whether the endpoint has rejected the other name.
    is_tokens_settled: bool = False
    #: 0 for repeatable answers; None where the endpoint accepts no temperature.
    temperature: float | None = 0.0
    #: Whether the endpoint accepts the request for token counts at the end of a stream.
    has_stream_usage: bool = True

    def body(
        self, *, model: str, system: str, user: str, name: str, form: Mapping[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """Return the body of a request."""
        if self.mode in ("json_object", "prompt"):
            system = (
                f"{system}\n\nAnswer with one JSON object ({name}) of this schema and nothing else:\n{as_json(form)}"
            )
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            self.tokens: max_tokens,
        }
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.mode == "json_schema":
            named_schema = {"name": name, "strict": True, "schema": form}
            body["response_format"] = {"type": "json_schema", "json_schema": named_schema}
        elif self.mode == "tool":
            body["tools"] = [{"type": "function", "function": {"name": name, "parameters": form}}]
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        elif self.mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body

    def stream_body(self, *, model: str, messages: Sequence[Mapping[str, Any]], max_tokens: int) -> dict[str, Any]:
        """Return the body of a request for a streamed answer, without structured output."""
        body: dict[str, Any] = {"model": model, "messages": list(messages), self.tokens: max_tokens}
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.has_stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body


def simpler(dialect: Dialect, failure: Failure) -> Dialect | None:
    """Return a simpler dialect to try after `failure`; None if the failure has another cause, or if there is none."""
    if failure.status not in _REJECTIONS or failure.is_about_length:
        return None
    other = _with_other_parameters(dialect, failure)
    if other is None and failure.says(_ABOUT_MODE[dialect.mode]):
        return replace(dialect, mode=_NEXT_MODE[dialect.mode])
    return other


def simpler_stream(dialect: Dialect, failure: Failure) -> Dialect | None:
    """Do the same as `simpler` for a request for a streamed answer."""
    if failure.status not in _REJECTIONS or failure.is_about_length:
        return None
    if dialect.has_stream_usage and failure.says(_ABOUT_STREAM_USAGE):
        return replace(dialect, has_stream_usage=False)
    return _with_other_parameters(dialect, failure)


def _with_other_parameters(dialect: Dialect, failure: Failure) -> Dialect | None:
    if dialect.temperature is not None and failure.says(_ABOUT_TEMPERATURE):
        return replace(dialect, temperature=None)
    if not dialect.is_tokens_settled and failure.says(_ABOUT_TOKENS):
        other: Literal["max_tokens", "max_completion_tokens"] = (
            "max_tokens" if dialect.tokens == "max_completion_tokens" else "max_completion_tokens"
        )
        return replace(dialect, tokens=other, is_tokens_settled=True)
    return None


def as_json(value: Mapping[str, Any]) -> str:
    """Return compact JSON, the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
