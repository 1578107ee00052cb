"""One chat from request to answer: find whose memory it is, add the memory, ask the endpoint, write the turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from afterturn import AsyncMemoryClient
from afterturn.access.caller import Caller
from afterturn.client import factory, plans
from afterturn.client.plans.memory_block import MemoryBlock
from afterturn.client.session import ClientSession
from afterturn.errors import AfterturnError, InvalidInput
from afterturn.principal import Principal, Right
from afterturn.settings import Settings
from api_shim.chat import addressee, body, openai_errors, recorder, spoken
from api_shim.chat.addressee import Mode
from api_shim.chat.answer import AnswerCopy
from api_shim.chat.body import ChatBody, Conversation
from api_shim.chat.memory_reader import MemoryReader
from api_shim.chat.passed_on import PassedOn
from api_shim.chat.recorder import Exchange, Recorder
from api_shim.chat.spoken import Spoken
from api_shim.chat.upstream import Headers, Upstream

Result = TypeVar("Result")

#: A larger body is parsed in a thread, so that other requests do not wait for it.
_LARGE_BYTES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chat:
    """One chat whose memory is used."""

    body: ChatBody
    session: ClientSession
    #: None if nothing is written.
    client: AsyncMemoryClient | None
    mode: Mode
    is_derived: bool
    #: The response of the Responses API that it continues without its conversation.
    previous_id: str | None
    #: Whether the memory has not answered already when the session was looked up.
    is_away: bool
    spoken: list[Spoken]

    @property
    def reads(self) -> bool:
        return self.mode in ("on", "read")


class ChatService:
    """Answers the calls of OpenAI's API."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError if the endpoint of the settings is no URL."""
        self._settings = settings
        self._endpoint = Upstream(settings)
        self._reader = MemoryReader(settings)
        self._recorder = Recorder(self._reader)

    async def open(self) -> None:
        """Prepare for the first chat."""
        await self._reader.warm_up(
            ClientSession(
                user_id="warm-up", session_id="warm-up", agent_id=None, tenant_id=None, settings=self._settings
            )
        )

    async def close(self) -> None:
        """Wait for what is being written, and close the connections."""
        await self._recorder.drain()
        await self._endpoint.close()

    async def pass_on(self, request: Request) -> Response:
        """Pass on a call that has nothing to do with the memory."""
        return self._ask(request, b"", [], conversation=None)

    async def chat(self, request: Request, conversation: Conversation) -> Response:
        """Answer a chat with memory."""
        content = await request.body()
        parsed = await _run(body.parse, content, conversation, is_large=len(content) > _LARGE_BYTES)
        principal: Principal = request.state.principal
        default = addressee.default_user(self._settings, is_open=_is_open(request))
        try:
            mode = addressee.find_mode(request.headers, parsed, self._settings)
            user_id = addressee.find_user(principal, request.headers, parsed, self._settings, default=default)
            named = None if parsed is None else addressee.find_session(request.headers, parsed, self._settings)
        except InvalidInput as error:
            return openai_errors.make_response(400, str(error), code=error.code)
        if parsed is None or user_id is None or mode == "off":
            state = "off" if parsed is None or mode == "off" else "no-user"
            return self._ask(request, content, [(b"x-afterturn-memory", state.encode())], conversation=None)
        chat = await self._open_chat(principal, user_id, named, mode, parsed)
        return await self._chat(request, content, chat)

    async def _open_chat(
        self, principal: Principal, user_id: str, named: str | None, mode: Mode, parsed: ChatBody
    ) -> _Chat:
        """Find the session and check the rights. Raises Forbidden."""
        if mode in ("on", "read"):
            principal.check(Right.READ, user_id)
        right = Right.READ if mode == "read" else Right.WRITE
        session = factory.open_session(principal, right, user_id, "default", settings=self._settings)
        previous = parsed.value("previous_response_id") if parsed.conversation == "input" else None
        previous_id = previous if isinstance(previous, str) and previous else None
        session_id, is_away = named, False
        if session_id is None and previous_id is not None:
            session_id, is_away = await self._find_session_of(session, previous_id)
        if session_id is None:
            session_id = addressee.derive_session(parsed)
        return _Chat(
            body=parsed,
            session=factory.open_session(principal, right, user_id, session_id, settings=self._settings),
            client=None
            if mode == "read"
            else factory.open_async_client(principal, Right.WRITE, user_id, session_id, settings=self._settings),
            mode=mode,
            is_derived=named is None and previous_id is None,
            previous_id=previous_id,
            is_away=is_away,
            spoken=await _run(self._read_messages, parsed, is_large=len(parsed.text) > _LARGE_BYTES),
        )

    def _read_messages(self, parsed: ChatBody) -> list[Spoken]:
        return spoken.read_messages(parsed.messages, limit_bytes=self._settings.turn_limit_bytes)

    async def _find_session_of(self, session: ClientSession, previous_id: str) -> tuple[str, bool]:
        """Return the session of a response that is continued, and whether the memory is away.

        If the response is not known any more, its id begins a session.
        """
        field = recorder.answer_field(previous_id)
        try:
            value, _ = await self._reader.run_in_time(plans.memory_block.read_remembered(session, field))
        except (TimeoutError, AfterturnError):
            return spoken.derive_session_id([], previous_id), True
        return (spoken.derive_session_id([], previous_id) if value is None else str(value, "utf-8")), False

    async def _chat(self, request: Request, content: bytes, chat: _Chat) -> Response:
        block: MemoryBlock | None = None if chat.is_away else MemoryBlock()
        if chat.reads and not chat.is_away and chat.body.last_user_index is not None:
            block = await self._reader.read(chat.session, chat.body, chat.spoken)
        state = "unavailable" if block is None else chat.mode
        shown = block or MemoryBlock()
        changed = chat.body.with_block(shown.text, self._settings.chat_memory_place) if shown.text else None
        if changed is None:
            shown = MemoryBlock(erased_token=shown.erased_token)
        headers = _own_headers(state, chat.session.scope.session_id, len(shown.memory_ids))
        return self._ask(
            request,
            changed or content,
            headers,
            conversation=chat.body.conversation,
            on_end=None if chat.client is None else lambda copy: self._record(chat, shown, copy),
        )

    def _record(self, chat: _Chat, block: MemoryBlock, copy: AnswerCopy) -> None:
        assert chat.client is not None
        answer = spoken.read_messages(copy.messages(), limit_bytes=self._settings.turn_limit_bytes, are_answer=True)
        said = [*chat.spoken, *answer]
        if said:
            exchange = Exchange(
                client=chat.client,
                session=chat.session,
                spoken=said,
                block=block,
                is_derived=chat.is_derived,
                previous_id=chat.previous_id,
                answer_id=copy.answer_id if chat.body.conversation == "input" else None,
            )
            self._recorder.record(exchange)

    def _ask(self, request: Request, content: bytes, headers: Headers, **options: object) -> Response:
        """Return the response that asks the endpoint."""
        if not self._endpoint.is_configured:
            message = "no endpoint answers chats: set AFTERTURN_CHAT_UPSTREAM_URL or AFTERTURN_LLM_BASE_URL"
            return openai_errors.make_response(503, message, code="upstream_not_configured")
        path: str = request.scope["path"].removeprefix("/v1")
        query: bytes = request.scope["query_string"]
        sent = self._endpoint.make_request(
            request.method, path, query, request.headers.raw, content, is_open=_is_open(request)
        )
        return PassedOn(self._endpoint, sent, headers, **options)  # type: ignore[arg-type]


def _is_open(request: Request) -> bool:
    """Return whether the caller needed no credential, so that one in the headers is not for this API."""
    caller: Caller = request.state.caller
    return caller.kind == "open"


async def _run(call: Callable[..., Result], *arguments: object, is_large: bool) -> Result:
    """Call a function, in a thread if its input is large."""
    return await asyncio.to_thread(call, *arguments) if is_large else call(*arguments)


def _own_headers(state: str, session_id: str, memories: int) -> Headers:
    """Return afterturn's headers of an answer."""
    return [
        (b"x-afterturn-memory", state.encode()),
        (b"x-afterturn-memories", b"%d" % memories),
        (b"x-afterturn-session", quote(session_id).encode()),
    ]
