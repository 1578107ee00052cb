"""Creates the clients of principals after checking their rights. All doors, such as the HTTP API, use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterturn.client.async_memory_client import AsyncMemoryClient
from afterturn.client.memory_client import MemoryClient
from afterturn.client.session import ClientSession
from afterturn.principal import Principal, Right

if TYPE_CHECKING:
    from afterturn.settings import Settings


def open_client(
    principal: Principal,
    right: Right,
    user_id: str,
    session_id: str = "default",
    agent_id: str | None = None,
    *,
    settings: Settings | None = None,
) -> MemoryClient:
    """Return a client for a user's memory if the principal has the right to use it.

    Args:
        principal: the caller. The client gets the principal's tenant.
        right: the right that the use of the client needs.
        user_id: the user whose memory is read or written.
        session_id: the conversation.
        agent_id: the agent that writes.
        settings: the settings. Default: read from the environment.

    Raises Forbidden, InvalidId or SettingsError.
    """
    principal.check(right, user_id)
    return MemoryClient(user_id, session_id, agent_id, tenant_id=principal.tenant_id, settings=settings)


def open_async_client(
    principal: Principal,
    right: Right,
    user_id: str,
    session_id: str = "default",
    agent_id: str | None = None,
    *,
    settings: Settings | None = None,
) -> AsyncMemoryClient:
    """Return an asyncio client. See `open_client`."""
    principal.check(right, user_id)
    return AsyncMemoryClient(user_id, session_id, agent_id, tenant_id=principal.tenant_id, settings=settings)


def open_session(
    principal: Principal, right: Right, user_id: str, session_id: str, *, settings: Settings | None = None
) -> ClientSession:
    """Return a session of a user, for a door that runs plans of its own. See `open_client`."""
    principal.check(right, user_id)
    return ClientSession(
        user_id=user_id,
        session_id=session_id,
        agent_id=None,
        tenant_id=principal.tenant_id,
        settings=settings,
    )
