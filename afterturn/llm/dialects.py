"""Dialects: the forms of a request for structured output. Endpoints differ in what they accept.

Known differences: LM Studio accepts json_schema but not json_object. DeepSeek accepts json_object but not json_schema,
and its reasoning models accept no forced tool. Ollama's models "do not support tools" unless their template does.
OpenAI's reasoning models accept max_completion_tokens but not max_tokens, and no temperature. Qwen's reasoning models
answer only as a stream, or without thinking. Gemma's templates have no system role. The names of fields and roles are
those of OpenAI's API. docs/how-to/endpoints.md lists more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from afterturn.llm.answer_text import as_json

Mode = Literal["json_schema", "tool", "json_object", "prompt"]
LimitName = Literal["max_tokens", "max_completion_tokens"]

#: An answer that reached its limit is requested again with a limit of so many times the size. The thoughts of a
#: reasoning model count too, and are often longer than the answer.
LIMIT_FACTORS = (1, 4, 16)
#: No limit is raised beyond this. An answer that is still too long is requested in smaller parts.
MOST_ANSWER_TOKENS = 32_768


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one endpoint accepts. The defaults fit most endpoints."""

    mode: Mode = "json_schema"
    #: The name of the limit of the answer; None: no limit is sent.
    tokens: LimitName | None = "max_tokens"
    #: Whether the endpoint has rejected the other name.
    is_tokens_settled: bool = False
    #: One of LIMIT_FACTORS.
    limit_factor: int = 1
    #: The largest limit that the endpoint accepts; None: not known.
    most_tokens: int | None = None
    #: 0 for repeatable answers; None where the endpoint accepts no temperature.
    temperature: float | None = 0.0
    #: The role of the instructions. user: they are the beginning of the user's message.
    system: Literal["system", "developer", "user"] = "system"
    #: Whether the endpoint answers only as a stream.
    is_streamed: bool = False
    #: Whether requests switch thinking off.
    forbids_thinking: bool = False
    #: Whether the endpoint accepts the request for token counts at the end of a stream.
    has_stream_usage: bool = True

    def body(
        self, *, model: str, system: str, user: str, name: str, form: Mapping[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """Return the body of a request. A stream is requested elsewhere."""
        if self.mode in ("json_object", "prompt"):
            system = (
                f"{system}\n\nAnswer with one JSON object ({name}) of this schema and nothing else:\n{as_json(form)}"
            )
        body = {"model": model, "messages": self._messages(system, user)} | self._parameters(max_tokens)
        if self.mode == "json_schema":
            named_schema = {"name": name, "strict": True, "schema": form}
            body["response_format"] = {"type": "json_schema", "json_schema": named_schema}
        elif self.mode == "tool":
            body["tools"] = [{"type": "function", "function": {"name": name, "parameters": form}}]
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        elif self.mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        if self.is_streamed and self.has_stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body

    def stream_body(self, *, model: str, messages: Sequence[Mapping[str, Any]], max_tokens: int) -> dict[str, Any]:
        """Return the body of a request for a streamed answer, without structured output."""
        roles = [{**each, "role": self.system} if each.get("role") == "system" else each for each in messages]
        body = {"model": model, "messages": roles} | self._parameters(max_tokens)
        if self.has_stream_usage:
            body["stream_options"] = {"include_usage": True}
        return body

    def limit(self, max_tokens: int) -> int:
        """Return the limit to send for an answer that needs `max_tokens` where a model does not think."""
        raised = max(max_tokens, min(max_tokens * self.limit_factor, MOST_ANSWER_TOKENS))
        return raised if self.most_tokens is None else min(raised, self.most_tokens)

    def _messages(self, system: str, user: str) -> list[dict[str, str]]:
        if self.system == "user":
            return [{"role": "user", "content": f"{system}\n\n{user}"}]
        return [{"role": self.system, "content": system}, {"role": "user", "content": user}]

    def _parameters(self, max_tokens: int) -> dict[str, Any]:
        parameters: dict[str, Any] = {}
        if self.tokens is not None:
            parameters[self.tokens] = self.limit(max_tokens)
        if self.temperature is not None:
            parameters["temperature"] = self.temperature
        if self.forbids_thinking:
            parameters["enable_thinking"] = False
        return parameters
