"""The endpoint's answer as an ASGI response: its bytes go on to the client as they arrive, and are never changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import aclosing

import httpx2
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from api_shim.chat import openai_errors, upstream
from api_shim.chat.answer import AnswerCopy
from api_shim.chat.body import Conversation
from api_shim.chat.upstream import Headers, Upstream
from api_shim.http.leaving import run_until_left

logger = logging.getLogger(__name__)

#: Statuses that HTTP knows. Others cannot be sent on.
_STATUSES = range(200, 600)


class PassedOn(Response):
    """One call of the endpoint, once, and its answer. A client that leaves ends the call at once."""

    def __init__(
        self,
        endpoint: Upstream,
        request: httpx2.Request,
        headers: Headers,
        *,
        conversation: Conversation | None,
        on_end: Callable[[AnswerCopy], None] | None = None,
    ) -> None:
        """Prepare the call.

        Args:
            endpoint: the endpoint.
            request: the request to it.
            headers: afterturn's own headers of the answer.
            conversation: the form of the answer; None: no copy of it is read.
            on_end: gets a copy of a successful answer, as far as it was delivered.
        """
        self.background = None
        self._endpoint = endpoint
        self._request = request
        self.raw_headers = headers
        self._conversation = conversation
        self._on_end = on_end
        self._copy: AnswerCopy | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await run_until_left(receive, self._answer(scope, receive, send))
        finally:
            if self._copy is not None and self._on_end is not None:
                self._on_end(self._copy)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._endpoint.send(self._request)
        except httpx2.TimeoutException:
            message = "the endpoint did not answer within AFTERTURN_CHAT_TIMEOUT_SECONDS"
            await self._refuse(504, message, "upstream_timeout")(scope, receive, send)
            return
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            message = f"the endpoint (AFTERTURN_CHAT_UPSTREAM_URL) cannot be reached: {type(error).__name__}"
            await self._refuse(502, message, "upstream_unavailable")(scope, receive, send)
            return
        async with aclosing(response):
            if response.status_code in _STATUSES:
                await self._pass_on(response, send)
            else:
                message = f"the endpoint answered with the status {response.status_code}"
                await self._refuse(502, message, "upstream_invalid")(scope, receive, send)

    async def _pass_on(self, response: httpx2.Response, send: Send) -> None:
        headers = upstream.headers_for_client(response.headers.raw)
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers + self.raw_headers}
        )
        if self._conversation is not None and response.is_success:
            encoding = response.headers.get("content-encoding", "")
            self._copy = AnswerCopy(self._conversation, response.headers.get("content-type", ""), encoding)
        try:
            async for chunk in response.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                if self._copy is not None:
                    self._copy.feed(chunk)
        except httpx2.TransportError as error:
            # The answer has begun: only a connection that closes too early says that the rest of it is missing.
            logger.warning("the endpoint broke off its answer: %s", type(error).__name__)
            return
        await send(_END)

    def _refuse(self, status: int, message: str, code: str) -> Response:
        logger.warning("a chat fails: %s", message)
        refusal = openai_errors.make_response(status, message, code=code)
        refusal.raw_headers += self.raw_headers
        return refusal


_END: Message = {"type": "http.response.body", "body": b"", "more_body": False}
