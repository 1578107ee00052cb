"""Classify the failures of an endpoint: those to retry later, and those that will not pass.

The LLM and the embedder share it. The errors raised here carry the status and the short codes of the endpoint, and name
the setting to check. They never carry its message, because some endpoints repeat the input in it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from math import isfinite

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
    #: All texts of the error object, used to recognise the cause. They may repeat the input, so they are never logged
    #: or raised.
    message: str = ""
    #: `code`, `type` and `param` of the error object, also of the one that a gateway passes on.
    codes: tuple[str, ...] = ()
    retry_after_seconds: float | None = None

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Return whether the message or a code matches a pattern."""
        return bool(pattern.search(self.message) or any(pattern.search(code) for code in self.codes))

    @property
    def is_about_path(self) -> bool:
        """Whether the server does not know the path: the base URL may lack its /v1."""
        return (self.status in (404, 405) and not self.is_about_model) or self.says(_UNKNOWN_PATH)

    @property
    def is_about_content(self) -> bool:
        """Whether a content filter refused the input. The input is the cause, not the parameters."""
        return self.status != 429 and self.says(_FILTERED)

    @property
    def is_about_model(self) -> bool:
        """Whether the endpoint does not serve the model (any more). It affects every call."""
        return self.status in (400, 404, 410, 422, 500) and self.says(_WITHOUT_MODEL)

    @property
    def is_about_length(self) -> bool:
        """Whether the input was too long. Endpoints report that with different statuses."""
        if self.status == 429:
            # A single call exceeds the limit per minute, so waiting does not help. Other 429 mean: wait.
            return self.says(_MORE_THAN_THE_LIMIT)
        if self.says(_ANSWER_LIMIT):
            return False
        return (self.status == 413 and not self.says(_TOO_MANY)) or (
            self.status in (400, 422, 500) and self.says(_TOO_LONG)
        )


#: 402 and an exhausted quota need the operator; waiting loses nothing.
_TRANSIENT = frozenset({402, 408, 409, 425, 429})

#: The messages of OpenAI, vLLM, llama.cpp (400, and 500 in some versions), Ollama, Azure and the usual gateways.
_TOO_LONG = re.compile(
    r"context[ _](length|size|window)|exceed_context|maximum (context|input|prompt|sequence|token)"
    r"|(input|prompt|request|string)( is|_is)?[ _]too[ _](long|large)|too large to process|too many (input )?tokens"
    r"|reduce the (length|number of inputs)|max_tokens must be at least 1|exceeds? the (model's )?(context|token limit)"
    r"|too many tokens in batch|range of input length|exceeds the available context|超过.{0,12}(长度|上限)",
    re.IGNORECASE,
)
#: LM Studio answers so with status 200.
_UNKNOWN_PATH = re.compile(r"unexpected endpoint or method", re.IGNORECASE)
_INVALID_REQUEST = re.compile(r"invalid_?request|invalid_?parameter|bad_?request", re.IGNORECASE)
#: About the limit of the answer, which may be smaller, and about the number of texts in one call.
_ANSWER_LIMIT = re.compile(r"max_(completion_|output_)?tokens\W{0,3} must be (less|at most|<=)", re.IGNORECASE)
_TOO_MANY = re.compile(r"batch size", re.IGNORECASE)
_MORE_THAN_THE_LIMIT = re.compile(r"request too large", re.IGNORECASE)
_FILTERED = re.compile(
    r"content_?filter|content_policy|content management policy|moderation|data_?inspection_?failed"
    r"|inappropriate content|content exists risk|usage policy|invalid_prompt|prohibited_content"
    r"|considered high risk|敏感",
    re.IGNORECASE,
)
#: "does not support" is not among them: what follows it is a parameter.
_WITHOUT_MODEL = re.compile(
    r"(model|deployment)[^.\n]{0,120}\b(deprecated|decommissioned|retired|discontinued|not found|not exist|no longer"
    r"|not available|not loaded|unloaded|been removed)|model_?not_?found|model_?not_?exist|deploymentnotfound"
    r"|invalid model|unknown model|no such model|not a valid model|model_decommissioned|no models? loaded",
    re.IGNORECASE,
)

#: Parts of an error object that repeat the input or an answer, instead of naming the cause.
_REPEATS = frozenset({"input", "ctx", "failed_generation", "request_id", "id", "url", "user_id"})
#: More of an error object is not read.
_MAX_TEXTS = 40
_MAX_CHARACTERS = 4_000

#: Only such codes are shown, because some endpoints put prose there.
_CODE = re.compile(r"[\w.\-\[\]]{1,60}")


def parse_failure(status: int, body: object, headers: Mapping[str, str]) -> Failure:
    """Parse an error object of any known form: `{"error": {...}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`.

    A gateway passes on the error of the server behind it as text, in `metadata.raw`.
    """
    texts, codes = [], []
    for name, text in list(_texts(body))[:_MAX_TEXTS]:
        texts.append(text[:_MAX_CHARACTERS])
        if name in ("code", "type", "param") and _CODE.fullmatch(text):
            codes.append(text)
    return Failure(
        status=status,
        message="\n".join(texts),
        codes=tuple(dict.fromkeys(codes)),
        retry_after_seconds=retry_after_seconds(headers),
    )


def status_in(error: object) -> int:
    """Return the HTTP status that an error in a body with status 200 names; 502 without one."""
    fields = error if isinstance(error, Mapping) else {}
    for name in ("code", "status", "status_code"):
        code = fields.get(name)
        if isinstance(code, str) and code.isdigit():
            code = int(code)
        if isinstance(code, int) and 400 <= code <= 599:
            return code
    failure = parse_failure(502, error, {})
    return 400 if any(_INVALID_REQUEST.search(code) for code in failure.codes) else 502


def _texts(value: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the texts of an error object, each with the name of its field."""
    if isinstance(value, str):
        inner = _parsed(value) if value.lstrip().startswith(("{", "[")) else None
        if inner is None:
            yield name, value
        else:
            yield from _texts(inner, name, depth + 1)
    elif isinstance(value, Mapping) and depth < 8:
        for key, nested in value.items():
            if key not in _REPEATS:
                yield from _texts(nested, str(key), depth + 1)
    elif isinstance(value, list) and depth < 8:
        for nested in value:
            yield from _texts(nested, name, depth + 1)


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


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
    if (failure.status in _TRANSIENT or failure.status >= 500) and not failure.is_about_model:
        return ModelUnavailable(
            f"the endpoint is away or overloaded ({where})", retry_after_seconds=failure.retry_after_seconds
        )
    if failure.is_about_content:
        return ModelRefused(f"the endpoint's content filter refused the input ({where})")
    # A wrong setting affects every batch. It is treated like an outage, so that no batch becomes a dead letter.
    if failure.status in (401, 403):
        return EndpointMisconfigured(f"the endpoint does not accept the key: check {names.api_key} ({where})")
    if failure.status in (404, 410) or failure.is_about_model:
        return EndpointMisconfigured(
            f"the endpoint does not know this: check {names.model} and {names.base_url} ({where})"
        )
    settings = f"{names.model}, {names.base_url} and {names.api_key}"
    return ModelRefused(f"the endpoint refused the call: check {settings} ({where})")
