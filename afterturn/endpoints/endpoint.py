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
from afterturn.endpoints import addresses, failures
from afterturn.endpoints.events import EventReader
from afterturn.endpoints.failures import Failure, SettingNames
from afterturn.errors import ModelUnavailable, SettingsError

if TYPE_CHECKING:
    import openai

Resource = Literal["chat", "embeddings"]

#: A host that accepts no connection within this time is unavailable. Answers may take longer.
_CONNECT_SECONDS = 10.0

#: The SDK needs a key; local servers do not. An explicit value keeps the SDK from reading a key from the environment.
_NO_KEY = "none"


class CallFailed(Exception):
    """The endpoint answered with an error. Callers convert it with `failures.error_for`."""

    def __init__(self, failure: Failure, base_url: str) -> None:
        super().__init__(f"HTTP {failure.status}")
        self.failure = failure
        self.base_url = base_url


class ModelEndpoint:
    """Calls one endpoint. Threads may share it. The first call opens the connections, also in a forked process."""

    def __init__(
        self,
        *,
        base_url: str | None,
        api_key: str | None,
        timeout_seconds: float,
        names: SettingNames,
        model: str = "",
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare the endpoint; no connection is opened.

        Args:
            base_url: its URL; None: OpenAI's own.
            api_key: the key; None for a server that needs none.
            timeout_seconds: the longest time of a call.
            names: the settings to name in errors.
            model: the model, whose name is part of the URL in Azure.
            extra_body: fields that are added to each request, in place of fields of the same name. A field whose value
                is None is left out of each request.

        Raises SettingsError.
        """
        self._address = addresses.parse_address(base_url, setting=names.base_url, model=model)
        if base_url is None and not api_key:
            raise SettingsError(f"{names.api_key} is missing: OpenAI's own endpoint needs a key")
        self.names = names
        self._api_key = api_key or _NO_KEY
        self._timeout_seconds = timeout_seconds
        self._extra_body = dict(extra_body or {})
        self._lock = threading.Lock()
        self._base_url = self._address.base_urls[0]
        #: Whether the URL has answered. Until then others are tried.
        self._is_url_settled = False
        self._failed_urls: set[str] = set()
        self._client: openai.OpenAI | None = None
        #: The process and the URL that the client was opened for.
        self._opened_for = (0, "")
        #: One client per event loop, with its URL: a loop cannot use the connections of another loop.
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[str, openai.AsyncOpenAI]] = (
            WeakKeyDictionary()
        )

    def post(self, resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON object that the endpoint answers.

        Raises CallFailed when the endpoint answers with an error; ModelUnavailable when it does not answer in time or
        when its answer is not a JSON object; MissingExtra when the SDK is not installed.
        """
        with self._converted_errors():
            content = self._read(self._opened(), resource, body, time.monotonic() + self._timeout_seconds)
            return self._object_in(content)

    def stream(self, body: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
        """Yield the JSON objects of a streamed chat answer as they arrive. Closing the iterator ends the connection.

        An endpoint that does not stream sends its whole answer as one object. Raises the errors of `post`. The timeout
        is for the time between two events.
        """
        with self._converted_errors():
            create: Any = self._opened().chat.completions.with_streaming_response.create
            with create(**self._arguments(body), stream=True) as response:
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
            async with create(**self._arguments(body), stream=True) as response:
                events = self._event_reader(response)
                async for chunk in response.iter_bytes():
                    for event in events.feed(chunk):
                        yield self._object_in(event)
                for event in events.finish():
                    yield self._object_in(event)

    def change_url(self, failed: CallFailed) -> bool:
        """Change to another base URL if the server does not know the path. Return whether there is another to try.

        A URL that has answered is kept.
        """
        if not failed.failure.is_about_path:
            return False
        with self._lock:
            if self._is_url_settled:
                return failed.base_url != self._base_url
            self._failed_urls.add(failed.base_url)
            left = [url for url in self._address.base_urls if url not in self._failed_urls]
            if not left:
                self._failed_urls.clear()
            self._base_url = left[0] if left else self._address.base_urls[0]
            return bool(left)

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None and self._opened_for[0] == os.getpid():
            client.close()

    async def close_async(self) -> None:
        """Close the connections of the running event loop; the next call opens new ones."""
        with self._lock:
            _, client = self._async_clients.pop(asyncio.get_running_loop(), ("", None))
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
            raise CallFailed(failure, self._base_url) from None
        except unreachable as error:
            cause = type(error.__cause__ or error).__name__
            raise ModelUnavailable(f"the endpoint cannot be reached, or hung up ({cause})") from None

    def _read(self, client: openai.OpenAI, resource: Resource, body: Mapping[str, Any], deadline: float) -> bytes:
        create: Any = client.chat.completions if resource == "chat" else client.embeddings
        content = bytearray()
        with create.with_streaming_response.create(**self._arguments(body)) as response:
            for chunk in response.iter_bytes():
                content += chunk
                if time.monotonic() > deadline:
                    raise ModelUnavailable(f"the endpoint did not answer within {self._timeout_seconds:g} s")
        return bytes(content)

    def _arguments(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call of the SDK, which passes on the fields that it does not know itself."""
        import openai

        whole = {**body, **self._extra_body}
        required: dict[str, Any] = {name: whole.pop(name) for name in ("model", "messages", "input") if name in whole}
        # The SDK adds this field to a request for vectors, unless it is told to leave it out.
        defaults: dict[str, Any] = {"encoding_format": None} if "input" in required else {}
        rest = {name: openai.Omit() if value is None else value for name, value in (defaults | whole).items()}
        arguments = {**required, "extra_body": rest}
        if headers := self._address.headers(self._api_key):
            arguments["extra_headers"] = {**headers, "Authorization": openai.Omit()}
        return arguments

    def _object_in(self, content: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(content.removeprefix(b"\xef\xbb\xbf"))
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            if not self._is_url_settled and len(self._address.base_urls) > 1:
                # Some servers answer an unknown path with a page.
                raise CallFailed(Failure(status=404), self._base_url)
            raise ModelUnavailable(f"the endpoint does not speak this protocol: check {self.names.base_url}")
        if answer.get("error"):
            # Gateways report the failure of another server in a body with status 200.
            failure = failures.parse_failure(failures.status_in(answer["error"]), answer, {})
            raise CallFailed(failure, self._base_url)
        self._is_url_settled = True
        return answer

    def _event_reader(self, response: Any) -> EventReader:
        return EventReader(response.headers.get("content-type", ""), timeout_seconds=self._timeout_seconds)

    def _opened(self) -> openai.OpenAI:
        import openai

        with self._lock:
            opened_for = (os.getpid(), self._base_url)
            if self._client is None or self._opened_for != opened_for:
                self._client = openai.OpenAI(**self._client_arguments())
                self._opened_for = opened_for
            return self._client

    def _opened_async(self) -> openai.AsyncOpenAI:
        import openai

        loop = asyncio.get_running_loop()
        with self._lock:
            base_url, client = self._async_clients.get(loop, ("", None))
            if client is None or base_url != self._base_url:
                client = openai.AsyncOpenAI(**self._client_arguments())
                self._async_clients[loop] = self._base_url, client
            return client

    def _client_arguments(self) -> dict[str, Any]:
        import openai

        # Version 2 of the SDK writes whole requests, and so the content of turns, into its debug log.
        logging.getLogger("openai").setLevel(logging.INFO)
        seconds = self._timeout_seconds
        return {
            "base_url": self._base_url,
            "api_key": self._api_key,
            "default_query": dict(self._address.query),
            "max_retries": 0,
            "timeout": openai.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds)),
        }


def _transport_errors() -> tuple[type[Exception], ...]:
    """Return the errors of the HTTP library of the SDK: httpx2, or httpx for version 2 of the SDK.

    The SDK converts these errors while it waits for an answer, but not while a body is read.
    """
    loaded = (sys.modules[name] for name in ("httpx2", "httpx") if name in sys.modules)
    return (OSError, *(library.HTTPError for library in loaded))
