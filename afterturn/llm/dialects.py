"""How an endpoint can be asked for a form: what to send, and what to send instead when it refuses that.

Known refusals: LM Studio takes json_schema but no json_object; DeepSeek takes json_object but no json_schema, and with
its reasoning models no forced tool; Ollama's models "do not support tools" unless their template does; OpenAI's
reasoning models take max_completion_tokens but no max_tokens, and no temperature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from afterturn.endpoints.failures import Failure

Mode = Literal["json_schema", "tool", "json_object", "prompt"]

_NEXT_MODE: dict[Mode, Mode] = {"json_schema": "tool", "tool": "json_object", "json_object": "prompt"}

#: The words by which a refusal shows that it is about the mode.
_ABOUT_MODE: dict[Mode, re.Pattern[str]] = {
    "json_schema": re.compile(r"response_format|json_?schema|structured|schema|grammar|guided|strict", re.IGNORECASE),
    "tool": re.compile(r"tool|function", re.IGNORECASE),
    "json_object": re.compile(r"response_format|json_object|json mode", re.IGNORECASE),
    "prompt": re.compile(r"(?!)"),
}
_ABOUT_TEMPERATURE = re.compile(r"temperature", re.IGNORECASE)
_ABOUT_TOKENS = re.compile(r"max_tokens|max_completion_tokens", re.IGNORECASE)

#: 404 is how gateways say that no provider of theirs can do it, 500 and 501 how some local servers do.
_REFUSALS = frozenset({400, 404, 405, 415, 422, 500, 501})


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one endpoint understands. The defaults are what most do."""

    mode: Mode = "json_schema"
    #: How it calls the limit of the answer.
    tokens: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    #: The other name was refused already.
    tokens_settled: bool = False
    #: 0, for answers that can be repeated; None where it may not be chosen.
    temperature: float | None = 0.0

    def body(
        self, *, model: str, system: str, user: str, name: str, form: Mapping[str, Any], max_tokens: int
    ) -> dict[str, Any]:
        """Return the request's body."""
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
            described = {"name": name, "strict": True, "schema": form}
            body["response_format"] = {"type": "json_schema", "json_schema": described}
        elif self.mode == "tool":
            body["tools"] = [{"type": "function", "function": {"name": name, "parameters": form}}]
            body["tool_choice"] = {"type": "function", "function": {"name": name}}
        elif self.mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        return body


def simpler(dialect: Dialect, failure: Failure) -> Dialect | None:
    """Return what to try after `failure`; None when it was not about the dialect, or nothing is left to try."""
    if failure.status not in _REFUSALS or failure.is_about_length:
        return None
    if dialect.temperature is not None and failure.says(_ABOUT_TEMPERATURE):
        return replace(dialect, temperature=None)
    if not dialect.tokens_settled and failure.says(_ABOUT_TOKENS):
        other: Literal["max_tokens", "max_completion_tokens"] = (
            "max_tokens" if dialect.tokens == "max_completion_tokens" else "max_completion_tokens"
        )
        return replace(dialect, tokens=other, tokens_settled=True)
    if failure.says(_ABOUT_MODE[dialect.mode]):
        return replace(dialect, mode=_NEXT_MODE[dialect.mode])
    return None


def as_json(value: Mapping[str, Any]) -> str:
    """Compact JSON, always the same for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
