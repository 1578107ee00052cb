"""Who calls, and the client that they get: FastAPI dependencies. No route makes a client in another way."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Path, Request

from afterturn import AsyncMemoryClient
from afterturn.client import factory
from afterturn.errors import Unauthorized
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, Right
from afterturn.settings import Settings
from api_shim.http.schemas import WriteIn


def authorize(request: Request, authorization: Annotated[str, Header()] = "") -> Principal:
    """Return who calls. The tenant comes from the server's settings, never from the caller.

    The bearer token is compared in constant time, where the settings name one. Raises Unauthorized.
    """
    settings: Settings = request.app.state.settings
    key = settings.api_key
    if key is not None and not secrets.compare_digest(
        authorization.encode(), f"Bearer {key.get_secret_value()}".encode()
    ):
        raise Unauthorized("the call needs the header `Authorization: Bearer <AFTERTURN_API_KEY>`")
    return Principal(tenant_id=settings.tenant, users=EveryUser(), rights=ALL_RIGHTS)


Caller = Annotated[Principal, Depends(authorize)]
UserId = Annotated[str, Path(description="whose memory")]
SessionId = Annotated[str, Path(description="which conversation")]


def _of_user(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: Caller, user_id: UserId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, settings=request.app.state.settings)

    return client


def _of_session(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: Caller, user_id: UserId, session_id: SessionId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, session_id, settings=request.app.state.settings)

    return client


def _of_agent(
    request: Request, caller: Caller, user_id: UserId, session_id: SessionId, body: WriteIn
) -> AsyncMemoryClient:
    settings = request.app.state.settings
    return factory.open_async_client(caller, Right.WRITE, user_id, session_id, body.agent_id, settings=settings)


#: The client of a route: of a whole user or of one session, to read or to write.
UserReader = Annotated[AsyncMemoryClient, Depends(_of_user(Right.READ))]
UserWriter = Annotated[AsyncMemoryClient, Depends(_of_user(Right.WRITE))]
SessionReader = Annotated[AsyncMemoryClient, Depends(_of_session(Right.READ))]
SessionWriter = Annotated[AsyncMemoryClient, Depends(_of_session(Right.WRITE))]
#: To write turns in the name of the agent that the body names.
AgentWriter = Annotated[AsyncMemoryClient, Depends(_of_agent)]
