"""Whose memory a call of an agent uses, and the clients for it. The user is in the body or in the query."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import Path, Query, Request

from afterturn import AsyncMemoryClient, ids
from afterturn.access.caller import Caller
from afterturn.client import factory
from afterturn.errors import InvalidInput
from afterturn.principal import Principal, Right
from afterturn.settings import Settings
from api_shim.agents.run import Run, choose_turn_ids
from api_shim.agents.schemas import RunIn
from api_shim.agents.service import DEFAULT_INSTRUCTIONS
from api_shim.chat import addressee

AgentId = Annotated[str, Path(description="the agent")]
QueriedUser = Annotated[str | None, Query(description="the user; by default as in a run")]


def choose_user(request: Request, principal: Principal, named: str | None) -> str:
    """Return the user of a call: the named one, the only one of the credential, or that of the settings.

    Whether the caller may access it is checked where its client is made. Raises InvalidInput if there is none.
    """
    if named is not None:
        return named
    if isinstance(principal.users, frozenset) and len(principal.users) == 1:
        return next(iter(principal.users))
    caller: Caller = request.state.caller
    default = addressee.default_user(_settings_of(request), is_open=caller.kind == "open")
    if default is None:
        raise InvalidInput("user_id is missing: the credential is for more than one user")
    return default


def open_client(
    request: Request, principal: Principal, right: Right, named: str | None, agent_id: str
) -> tuple[str, AsyncMemoryClient]:
    """Return the user of a call and a client for the user's memory. Raises Forbidden, InvalidId or InvalidInput."""
    user_id = choose_user(request, principal, named)
    settings = _settings_of(request)
    return user_id, factory.open_async_client(principal, right, user_id, agent_id=agent_id, settings=settings)


def make_run(
    request: Request, principal: Principal, agent_id: str, body: RunIn, request_id: uuid.UUID | None, *, is_stream: bool
) -> Run:
    """Return the run that a request asks for. Raises Forbidden, InvalidId or InvalidInput.

    It reads the memory and writes turns: the caller needs both rights.
    """
    user_id, settings = choose_user(request, principal, body.user_id), _settings_of(request)
    session_id = _choose_session(body.session_id, request_id)
    message_id, answer_id = choose_turn_ids(request_id)
    return Run(
        agent_id=agent_id,
        message=body.message,
        name=body.name,
        instructions=body.instructions or DEFAULT_INSTRUCTIONS,
        session=factory.open_session(principal, Right.READ, user_id, session_id, settings=settings),
        client=factory.open_async_client(principal, Right.WRITE, user_id, session_id, agent_id, settings=settings),
        is_stream=is_stream if body.stream is None else body.stream,
        request_id=request_id,
        message_id=message_id,
        answer_id=answer_id,
    )


def _choose_session(named: str | None, request_id: uuid.UUID | None) -> str:
    """Return the session of a run; without a name a new one, which a repeated request finds again."""
    if named is not None:
        return named
    return ids.new_turn_id() if request_id is None else str(uuid.uuid5(request_id, "session"))


def _settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings
