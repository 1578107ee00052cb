"""Calls to an OpenAI-compatible endpoint through the `openai` SDK: one call, one answer, one deadline.

The retries of the SDK are off, because the pipeline retries. This module reads the bodies itself, for two reasons: some
endpoints send blanks for minutes to keep a connection alive, which no read timeout ends; others answer with status 200
and an error or an HTML page in the body.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from afterturn import extras
from afterturn.endpoints import failures
from afterturn.endpoints.events import EventReader
from afterturn.endpoints.failures import Failure, SettingNames
from afterturn.errors import ModelUnavailable, SettingsError

if TYPE_CHECKING:
    import openai

OPENAI_BASE_URL = "https://api.openai.com/v1"

#: A host that accepts no connection within this time is unavailable. Answers may take longer.
_CONNECT_SECONDS = 10.0

#: The SDK needs a key; local servers do not. An explicit value keeps the SDK from reading a key from the environment.
_NO_KEY = "none"


class CallFailed(Exception):
    """The endpoint answered with an error. Callers convert it with `failures.error_for`."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"HTTP {failure.status}")
        self.failure = failure


class ModelEndpoint:
    """Calls one endpoint. Threads may share it. The first call opens the connections, also in a forked process."""

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
        #: One client per event loop: a loop cannot use the connections of another loop.
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI] = WeakKeyDictionary()

    def post(self, resource: Literal["chat", "embeddings"], body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON object that the endpoint answers.

        Raises CallFailed when the endpoint answers with an error; ModelUnavailable when it does not answer in time or
        when its answer is not a JSON object; MissingExtra when the SDK is not installed.
        """
        with self._converted_errors():
            return self._object_in(self._read(self._opened(), resource, body, time.monotonic() + self._timeout_seconds))

    def stream(self, body: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Yield the JSON objects of a streamed chat answer as they arrive. Closing the iterator ends the connection.

        An endpoint that does not stream sends its whole answer as one object. Raises the errors of `post`. The timeout
        is for the time between two events.
        """
        with self._converted_errors():
            create: Any = self._opened().chat.completions.with_streaming_response.create
            with create(**body, stream=True) as response:
                events = self._event_reader(response)
                for chunk in response.iter_bytes():
                    for event in events.feed(chunk):
                        yield self._object_in(event)
                for event in events.finish():
                    yield self._object_in(event)

    async def stream_async(self, body: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Do the same as `stream` for asyncio. Closing the iterator (`contextlib.aclosing`) ends the connection."""
        with self._converted_errors():
            create: Any = self._opened_async().chat.completions.with_streaming_response.create
            async with create(**body, stream=True) as response:
                events = self._event_reader(response)
                async for chunk in response.iter_bytes():
                    for event in events.feed(chunk):
                        yield self._object_in(event)
                for event in events.finish():
                    yield self._object_in(event)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._opened_by_process == os.getpid():
            client.close()

    async def close_async(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        with self._lock:
            client = self._async_clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    @contextmanager
    def _converted_errors(self) -> Iterator[None]:
        """Convert the errors of the SDK and of its HTTP library into CallFailed and ModelUnavailable.

        Raises MissingExtra when the SDK is not installed.
        """
        extras.require("openai", "an OpenAI-compatible endpoint")
        import openai

        unreachable: tuple[type[Exception], ...] = (openai.APIConnectionError, *_transport_errors())
        try:
            yield
        except openai.APITimeoutError:
            raise ModelUnavailable(f"the endpoint did not answer within {self._timeout_seconds:g} s") from None
        except openai.APIStatusError as error:
            failure = failures.parse_failure(error.status_code, error.body, error.response.headers)
            raise CallFailed(failure) from None
        except unreachable as error:
            cause = type(error.__cause__ or error).__name__
            raise ModelUnavailable(f"the endpoint cannot be reached, or hung up ({cause})") from None

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
            # Gateways report the failure of another server in a body with status 200.
            details = answer["error"]
            code = details.get("code") if isinstance(details, dict) else None
            raise CallFailed(failures.parse_failure(code if isinstance(code, int) else 502, answer, {}))
        return answer

    def _event_reader(self, response: Any) -> EventReader:
        return EventReader(response.headers.get("content-type", ""), timeout_seconds=self._timeout_seconds)

    def _opened(self) -> openai.OpenAI:
        import openai

        with self._lock:
            if self._client is None or self._opened_by_process != os.getpid():
                self._client = openai.OpenAI(**self._client_arguments())
                self._opened_by_process = os.getpid()
            return self._client

    def _opened_async(self) -> openai.AsyncOpenAI:
        import openai

        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._async_clients:
                self._async_clients[loop] = openai.AsyncOpenAI(**self._client_arguments())
            return self._async_clients[loop]

    def _client_arguments(self) -> dict[str, Any]:
        import openai

        # Version 2 of the SDK writes whole requests, and so the content of turns, into its debug log.
        logging.getLogger("openai").setLevel(logging.INFO)
        seconds = self._timeout_seconds
        return {
            "base_url": self.base_url,
            "api_key": self._api_key,
            "max_retries": 0,
            "timeout": openai.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
        }


def _transport_errors() -> tuple[type[Exception], ...]:
    """Return the errors of the HTTP library of the SDK: httpx2, or httpx for version 2 of the SDK.

    The SDK converts these errors while it waits for an answer, but not while a body is read.
    """
    loaded = (sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules)
    return (OSError, *(library.HTTPError for library in loaded))
