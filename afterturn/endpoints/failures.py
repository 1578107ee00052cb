"""Classify the failures of an endpoint: those to retry later, and those that will not pass.

The LLM and the embedder share it. The errors raised here carry the status and the short codes of the endpoint, and name
the setting to check. They never carry its message, because some endpoints repeat the input in it.
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
    """The settings to name in an error of an endpoint."""

    api_key: str
    model: str
    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed call, as the endpoint described it."""

    #: The HTTP status, or the code in a body with status 200.
    status: int
    #: The text of the endpoint, used to recognise the cause. It may repeat the input, so it is never logged or raised.
    message: str = ""
    #: `code`, `type` and `param` of the error object.
    codes: tuple[str, ...] = ()
    retry_after_seconds: float | None = None

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Return whether the message or a code matches a pattern."""
        return bool(pattern.search(self.message) or any(pattern.search(code) for code in self.codes))

    @property
    def is_about_length(self) -> bool:
        """Whether the input was too long. Endpoints report that with different statuses."""
        if self.status == 429:
            # A single call exceeds the limit per minute, so waiting does not help. Other 429 mean: wait.
            return self.says(_MORE_THAN_THE_LIMIT)
        return self.status == 413 or (self.status in (400, 422, 500) and self.says(_TOO_LONG))


#: 402 and an exhausted quota need the operator; waiting loses nothing.
_TRANSIENT = frozenset({402, 408, 409, 425, 429})

#: The messages of OpenAI, vLLM, llama.cpp (400, and 500 in some versions), Ollama, Azure and the usual gateways.
_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|exceed_context|maximum (context|input|prompt|sequence|token)"
    r"|(input|prompt|request|string)( is|_is)?[ _]too[ _](long|large)|too large to process|too many (input )?tokens"
    r"|reduce the length|max_tokens must be at least 1",
    re.IGNORECASE,
)
_MORE_THAN_THE_LIMIT = re.compile(r"request too large", re.IGNORECASE)
_FILTERED = re.compile(r"content_filter|content_policy|content management policy|moderation", re.IGNORECASE)

#: Only such codes are shown, because some endpoints put prose there.
_CODE = re.compile(r"[\w.\-\[\]]{1,60}")


def parse_failure(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Parse an error object of any known form: `{"error": {...}}`, `{"error": "…"}`, `{"message": …}`."""
    details = body.get("error", body) if isinstance(body, Mapping) else body
    fields: Mapping[str, Any] = details if isinstance(details, Mapping) else {}
    message = fields.get("message", fields.get("detail", "")) if fields else details
    values = (fields.get(name) for name in ("code", "type", "param"))
    return Failure(
        status=status,
        message=message if isinstance(message, str) else "" if message is None else str(message),
        codes=tuple(code for code in values if isinstance(code, str) and _CODE.fullmatch(code)),
        retry_after_seconds=retry_after_seconds(headers),
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the time in `retry-after-ms` or `Retry-After` (seconds, or a date); None where neither is readable."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return max(0.0, seconds) if isfinite(seconds) else None
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, moment.timestamp() - _endpoint_time(headers))
    except (ValueError, OverflowError):
        return None


def _endpoint_time(headers: Mapping[str, str]) -> float:
    """Return the Unix time by the endpoint's clock, or by ours where the endpoint does not say it."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return time.time()


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
    # A wrong setting affects every batch. It is treated like an outage, so that no batch becomes a dead letter.
    if failure.status in (401, 403):
        return EndpointMisconfigured(f"the endpoint does not accept the key: check {names.api_key} ({where})")
    if failure.status == 404:
        return EndpointMisconfigured(
            f"the endpoint does not know this: check {names.model} and {names.base_url} ({where})"
        )
    settings = f"{names.model}, {names.base_url} and {names.api_key}"
    return ModelRefused(f"the endpoint refused the call: check {settings} ({where})")
