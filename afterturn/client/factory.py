"""From a principal to a client: the only way in which a door comes by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterturn.client.async_memory_client import AsyncMemoryClient
from afterturn.client.memory_client import MemoryClient
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
    """Return a client for a user's memory when the principal may do what it is for.

    Args:
        principal: who calls; the tenant is always the principal's.
        right: what the client will be used for.
        user_id: whose memory.
        session_id: which conversation.
        agent_id: which agent writes.
        settings: read from the environment when not given.

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
    """Return the same for asyncio. See `open_client`."""
    principal.check(right, user_id)
    return AsyncMemoryClient(user_id, session_id, agent_id, tenant_id=principal.tenant_id, settings=settings)
