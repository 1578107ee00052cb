"""What an endpoint's failure means: come back later, or never again.

One place for the LLM and the embedder. No message of the endpoint's is passed on, because some repeat the input in
it: the errors raised here carry the status and the endpoint's own short codes, and name the setting to look at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from afterturn.errors import EndpointMisconfigured, InputTooLong, ModelError, ModelRefused, ModelUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingNames:
    """Which settings to name when an endpoint refuses us."""

    api_key: str
    model: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call as the endpoint told it."""

    #: HTTP status, or the code that a gateway put into the body of a 200.
    status: int
    #: The endpoint's words, for recognising a cause. They may repeat the input: never logged, never raised.
    message: str = ""
    #: The endpoint's short names for the cause (`code`, `type` and `param` of its error object).
    codes: tuple[str, ...] = ()
    retry_after_seconds: float | None = None

    def says(self, pattern: re.Pattern[str]) -> bool:
        return bool(pattern.search(self.message) or any(pattern.search(code) for code in self.codes))

    @property
    def is_about_length(self) -> bool:
        """True when the input was too long, whatever status says so."""
        if self.status == 429:
            # More than the limit per minute in a single call: waiting will not help. (Most 429 do mean: wait.)
            return self.says(_MORE_THAN_THE_LIMIT)
        return self.status == 413 or (self.status in (400, 422, 500) and self.says(_TOO_LONG))


#: 402 and an exhausted quota are the operator's to settle; nothing is lost by waiting for them.
_TRANSIENT = frozenset({402, 408, 409, 425, 429})

#: OpenAI, vLLM, llama.cpp (400, and 500 in some versions), Ollama, Azure and the usual gateways, in their words.
_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|exceed_context|maximum (context|input|prompt|sequence|token)"
    r"|(input|prompt|request|string)( is|_is)?[ _]too[ _](long|large)|too large to process|too many (input )?tokens"
    r"|reduce the length|max_tokens must be at least 1",
    re.IGNORECASE,
)
_MORE_THAN_THE_LIMIT = re.compile(r"request too large", re.IGNORECASE)
_FILTERED = re.compile(r"content_filter|content_policy|content management policy|moderation", re.IGNORECASE)

#: A code that is printed must look like one: some endpoints put prose there.
_CODE = re.compile(r"[\w.\-\[\]]{1,60}")


def failure_of(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Read the error object of any of the known shapes: `{"error": {...}}`, `{"error": "…"}`, `{"message": …}`."""
    details = body.get("error", body) if isinstance(body, Mapping) else body
    fields: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
    message = fields.get("message", fields.get("detail", "")) if fields else details
    named = (fields.get(name) for name in ("code", "type", "param"))
    return Failure(
        status=status,
        message=message if isinstance(message, str) else "" if message is None else str(message),
        codes=tuple(code for code in named if isinstance(code, str) and _CODE.fullmatch(code)),
        retry_after_seconds=retry_after_seconds(headers),
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return what `retry-after-ms` or `Retry-After` (seconds, or a date) asks for; None where neither is readable."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return max(0.0, seconds) if isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def error_for(failure: Failure, names: SettingNames) -> ModelError:
    """Return the error to raise for a failed call."""
    where = ", ".join((f"HTTP {failure.status}", *dict.fromkeys(failure.codes)))
    if failure.is_about_length:
        return InputTooLong(f"the input is longer than the model can read ({where})")
    if failure.status in _TRANSIENT or failure.status >= 500:
        return ModelUnavailable(
            f"the endpoint is away or overloaded ({where})", retry_after_seconds=failure.retry_after_seconds
        )
    if failure.says(_FILTERED):
        return ModelRefused(f"the endpoint's content filter refused the input ({where})")
    # A wrong setting is wrong for every batch: it is waited out like an outage, and no batch dies of it.
    if failure.status in (401, 403):
        return EndpointMisconfigured(f"the endpoint does not accept the key: check {names.api_key} ({where})")
    if failure.status == 404:
        return EndpointMisconfigured(
            f"the endpoint does not know this: check {names.model} and {names.base_url} ({where})"
        )
    settings = f"{names.model}, {names.base_url} and {names.api_key}"
    return ModelRefused(f"the endpoint refused the call: check {settings} ({where})")
