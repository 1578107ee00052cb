"""FastAPI dependencies: the principal of a request, and the client for it. Routes create clients in no other way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPBearer

from afterturn import AsyncMemoryClient
from afterturn.access import credentials, rate_limits
from afterturn.access.caller import Caller
from afterturn.access.wrong_credentials import WrongCredentials
from afterturn.client import connections, factory
from afterturn.errors import InvalidInput, RateLimited, Unauthorized
from afterturn.principal import Principal, Right
from afterturn.settings import Settings
from api_shim.http.schemas import WriteIn


async def authenticate(request: Request) -> None:
    """Turn the request's credential into its principal, and count the request. The body is not read yet.

    Raises Unauthorized, RateLimited, or MemoryUnavailable if the credential cannot be checked.
    """
    request.state.caller = caller = await _find_caller(request)
    request.state.principal = caller.principal
    settings: Settings = request.app.state.settings
    if caller.kind == "open":
        return
    usage = await rate_limits.count_request(
        connections.get_async_connections(settings).redis, caller, settings.api_requests_per_minute
    )
    if usage is not None:
        request.state.answer_headers = usage.headers()
        if not usage.is_within:
            raise RateLimited(f"this credential may send {usage.limit} requests per minute", headers=usage.headers())


async def _find_caller(request: Request) -> Caller:
    """Return who sent the request. Raises Unauthorized, RateLimited or MemoryUnavailable."""
    state, credential = request.app.state, _read_credential(request)
    address = None if request.client is None else request.client.host
    wrong: WrongCredentials = state.wrong_credentials
    if credential is not None and not credentials.is_unguessable(credential):
        _check_guesses(wrong, address)
    try:
        caller: Caller = await state.credentials.resolve(credential, local_address=_local_address(request))
    except Unauthorized:
        if credential is not None:
            _check_guesses(wrong, address)
            wrong.count(address)
        raise
    return caller


def _check_guesses(wrong: WrongCredentials, address: str | None) -> None:
    """Raise RateLimited if an address has sent too many wrong credentials."""
    if seconds := wrong.seconds_to_wait(address):
        raise RateLimited("too many wrong credentials from this address", headers={"Retry-After": str(seconds)})


def _read_credential(request: Request) -> str | None:
    """Return the bearer token of a request; None if it has no Authorization header, "" if that has another form."""
    values = request.headers.getlist("authorization")
    if not values:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if len(values) == 1 and scheme.lower() == "bearer" else ""


def _local_address(request: Request) -> str | None:
    server = request.scope.get("server")
    return None if server is None else str(server[0])


#: Describes the credential in the OpenAPI schema. `authenticate` has checked it already.
_BEARER = HTTPBearer(
    auto_error=False,
    scheme_name="Bearer",
    description="A key (`at_…`), AFTERTURN_API_KEY, or a JSON web token. On loopback, and if there are none of these, "
    "no credential is needed.",
)


def authorize(request: Request, _: Annotated[object, Security(_BEARER)]) -> Principal:
    """Return the principal of an authenticated request."""
    principal: Principal = request.state.principal
    return principal


CallerPrincipal = Annotated[Principal, Depends(authorize)]
UserId = Annotated[str, Path(description="the user whose memory is accessed")]
SessionId = Annotated[str, Path(description="the conversation")]


def _make_user_client(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: CallerPrincipal, user_id: UserId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, settings=request.app.state.settings)

    return client


def _make_session_client(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(request: Request, caller: CallerPrincipal, user_id: UserId, session_id: SessionId) -> AsyncMemoryClient:
        return factory.open_async_client(caller, right, user_id, session_id, settings=request.app.state.settings)

    return client


def _agent_client(
    request: Request, caller: CallerPrincipal, user_id: UserId, session_id: SessionId, body: WriteIn
) -> AsyncMemoryClient:
    settings = request.app.state.settings
    return factory.open_async_client(caller, Right.WRITE, user_id, session_id, body.agent_id, settings=settings)


def _make_state_client(right: Right) -> Callable[..., AsyncMemoryClient]:
    def client(
        request: Request,
        caller: CallerPrincipal,
        user_id: UserId,
        session_id: Annotated[str | None, Query(description="the conversation, for scope=session")] = None,
        agent_id: Annotated[str | None, Query(description="the agent, for scope=agent")] = None,
    ) -> AsyncMemoryClient:
        settings: Settings = request.app.state.settings
        if request.query_params.get("scope") == "session" and session_id is None:
            raise InvalidInput("scope=session needs a session_id")
        names = ("default" if session_id is None else session_id, agent_id)
        return factory.open_async_client(caller, right, user_id, *names, settings=settings)

    return client


#: The client of a route: for a user or for one session, with the right to read or to write.
UserReader = Annotated[AsyncMemoryClient, Depends(_make_user_client(Right.READ))]
UserWriter = Annotated[AsyncMemoryClient, Depends(_make_user_client(Right.WRITE))]
SessionReader = Annotated[AsyncMemoryClient, Depends(_make_session_client(Right.READ))]
SessionWriter = Annotated[AsyncMemoryClient, Depends(_make_session_client(Right.WRITE))]
StateReader = Annotated[AsyncMemoryClient, Depends(_make_state_client(Right.READ))]
StateWriter = Annotated[AsyncMemoryClient, Depends(_make_state_client(Right.WRITE))]
#: The client that writes turns of the agent given in the request body.
AgentWriter = Annotated[AsyncMemoryClient, Depends(_agent_client)]
