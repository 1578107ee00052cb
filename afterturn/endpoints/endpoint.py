"""An OpenAI-compatible endpoint, reached through the `openai` SDK: one call, one answer, one deadline.

The SDK's retries are off, because the pipeline owns retries. Bodies are read here rather than by the SDK: some
endpoints keep a connection alive by sending blanks for minutes, which no read timeout ever ends; others answer 200
with an error in it, or with a page of HTML.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from afterturn import extras
from afterturn.endpoints import failures
from afterturn.endpoints.failures import Failure, SettingNames
from afterturn.errors import ModelUnavailable, SettingsError

if TYPE_CHECKING:
    import openai

OPENAI_BASE_URL = "https://api.openai.com/v1"

#: A host that does not accept a connection within this is away, however long an answer may take.
_CONNECT_SECONDS = 10.0

#: The SDK insists on a key; local servers want none. Given openly, so that it does not go and find another one.
_NO_KEY = "none"


class CallFailed(Exception):
    """The endpoint answered with an error. Internal: callers look at the failure, and raise what it means."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"HTTP {failure.status}")
        self.failure = failure


class ModelEndpoint:
    """Makes calls. Safe to share between threads; opened by the first call, and anew in a process that was forked."""

    def __init__(
        self, *, base_url: str | None, api_key: str | None, timeout_seconds: float, names: SettingNames
    ) -> None:
        if base_url is not None and not base_url.startswith(("http://", "https://")):
            raise SettingsError(f"{names.base_url} must begin with http:// or https://")
        if base_url is None and not api_key:
            raise SettingsError(f"{names.api_key} is missing: OpenAI's own endpoint needs a key")
        self.base_url = base_url or OPENAI_BASE_URL
        self.names = names
        self._api_key = api_key or _NO_KEY
        self._timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._client: openai.OpenAI | None = None
        self._opened_by_process = 0

    def post(self, resource: Literal["chat", "embeddings"], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON object that the endpoint answers.

        Raises CallFailed when it answers with an error, ModelUnavailable when it does not answer in time, or in a
        form that no endpoint of this kind has, MissingExtra when the SDK is not installed.
        """
        extras.require("openai", "an OpenAI-compatible endpoint")
        import openai

        unreachable: tuple[type[Exception], ...] = (openai.APIConnectionError, *_transport_errors())
        deadline = time.monotonic() + self._timeout_seconds
        try:
            content = self._read(self._opened(), resource, body, deadline)
        except openai.APITimeoutError:
            raise ModelUnavailable(f"the endpoint did not answer within {self._timeout_seconds:g} s") from None
        except openai.APIStatusError as error:
            failure = failures.failure_of(error.status_code, error.body, error.response.headers)
            raise CallFailed(failure) from None
        except unreachable as error:
            cause = type(error.__cause__ or error).__name__
            raise ModelUnavailable(f"the endpoint cannot be reached, or hung up ({cause})") from None
        return self._object_in(content)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._opened_by_process == os.getpid():
            client.close()

    def _read(
        self, client: openai.OpenAI, resource: Literal["chat", "embeddings"], body: Mapping[str, Any], deadline: float
    ) -> bytes:
        create: Any = client.chat.completions if resource == "chat" else client.embeddings
        content = bytearray()
        with create.with_streaming_response.create(**body) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if time.monotonic() > deadline:
                    raise ModelUnavailable(f"the endpoint did not answer within {self._timeout_seconds:g} s")
        return bytes(content)

    def _object_in(self, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise ModelUnavailable(f"the endpoint does not speak this protocol: check {self.names.base_url}")
        if answer.get("error"):
            # Gateways report a failed upstream in the body of a 200.
            details = answer["error"]
            code = details.get("code") if isinstance(details, dict) else None
            raise CallFailed(failures.failure_of(code if isinstance(code, int) else 502, answer, {}))
        return answer

    def _opened(self) -> openai.OpenAI:
        import openai

        # Version 2 of the SDK writes whole requests into its debug log.
        logging.getLogger("openai").setLevel(logging.INFO)
        with self._lock:
            if self._client is None or self._opened_by_process != os.getpid():
                seconds = self._timeout_seconds
                self._client = openai.OpenAI(
                    base_url=self.base_url,
                    api_key=self._api_key,
                    max_retries=0,
                    timeout=openai.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
                )
                self._opened_by_process = os.getpid()
            return self._client


def _transport_errors() -> tuple[type[Exception], ...]:
    """The errors of the HTTP library below the SDK: httpx2, or httpx where the SDK is of version 2.

    The SDK wraps them while it waits for an answer, not while a body is read.
    """
    loaded = (sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules)
    return (OSError, *(library.HTTPError for library in loaded))
