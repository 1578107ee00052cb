"""FastAPI dependencies: the principal of a request, and the client for it. Routes create clients in no other way."""

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


async def authenticate(request: Request) -> None:
    """Turn the request's credential into its principal. Routes call it before they read the body.

    The tenant comes from the server's settings, never from the caller. If an API key is set, the bearer token is
    compared with it in constant time. Raises Unauthorized.
    """
    settings: Settings = request.app.state.settings
    authorization, key = request.headers.get("authorization", ""), settings.api_key
    if key is not None and not secrets.compare_digest(
        authorization.encode(), f"Bearer {key.get_secret_value()}".encode()
    ):
        raise Unauthorized("the request needs the header `Authorization: Bearer <AFTERTURN_API_KEY>`")
    request.state.principal = Principal(tenant_id=settings.tenant, users=EveryUser(), rights=ALL_RIGHTS)


def authorize(request: Request, authorization: Annotated[str | None, Header()] = None) -> Principal:
    """Return the principal of an authenticated request. `authorization` is only here to be in the OpenAPI schema."""
    principal: Principal = request.state.principal
    return principal


Caller = Annotated[Principal, Depends(authorize)]
UserId = Annotated[str, Path(description="the user whose memory is accessed")]
SessionId = Annotated[str, Path(description="the conversation")]


def _make_user_client(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: Caller, user_id: UserId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, settings=request.app.state.settings)

    return client


def _make_session_client(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: Caller, user_id: UserId, session_id: SessionId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, session_id, settings=request.app.state.settings)

    return client


def _agent_client(
    request: Request, caller: Caller, user_id: UserId, session_id: SessionId, body: WriteIn
) -> AsyncMemoryClient:
    settings = request.app.state.settings
    return factory.open_async_client(caller, Right.WRITE, user_id, session_id, body.agent_id, settings=settings)


#: The client of a route: for a user or for one session, with the right to read or to write.
UserReader = Annotated[AsyncMemoryClient, Depends(_make_user_client(Right.READ))]
UserWriter = Annotated[AsyncMemoryClient, Depends(_make_user_client(Right.WRITE))]
SessionReader = Annotated[AsyncMemoryClient, Depends(_make_session_client(Right.READ))]
SessionWriter = Annotated[AsyncMemoryClient, Depends(_make_session_client(Right.WRITE))]
#: The client that writes turns of the agent given in the request body.
AgentWriter = Annotated[AsyncMemoryClient, Depends(_agent_client)]
