"""Whose memory a call of a tool uses: from the start of the process, or from the credential of the HTTP request.

No argument of a tool names a user: a model writes arguments, and what it reads may tell it what to write.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context

from afterturn import AsyncMemoryClient
from afterturn.client import factory
from afterturn.client.async_driver import AsyncDriver
from afterturn.client.plans import history
from afterturn.errors import Forbidden
from afterturn.principal import Principal, Right
from afterturn.settings import Settings
from afterturn.turns import Turn

#: The conversation to which tools write if a call names none.
SESSION = "mcp"


@dataclass(frozen=True, slots=True, kw_only=True)
class McpCaller:
    """Who calls tools: one user's memory, and what may be done with it."""

    principal: Principal
    user_id: str
    settings: Settings
    #: Where the HTTP API is, for links: `https://memory.example.com`.
    base_url: str
    #: The conversation of calls that name none.
    session_id: str = SESSION
    #: Stored with each turn.
    agent_id: str | None = None

    def open(self, right: Right, session_id: str | None = None) -> AsyncMemoryClient:
        """Return the client of the memory. Raises Forbidden or InvalidId."""
        session = self.session_id if session_id is None else session_id
        return factory.open_async_client(
            self.principal, right, self.user_id, session, self.agent_id, settings=self.settings
        )

    async def find_turn(self, session_id: str, turn_id: str) -> Turn | None:
        """Return a turn of the user; None if there is none. Raises Forbidden, InvalidId or MemoryUnavailable."""
        session = factory.open_session(self.principal, Right.READ, self.user_id, session_id, settings=self.settings)
        return await AsyncDriver(self.settings).run(history.find_turn(session, turn_id))

    def link(self, *path: str, fragment: str | None = None) -> str:
        """Return the address of something of this user in the HTTP API."""
        parts = "/".join(quote(part, safe="") for part in ("v1", "users", self.user_id, *path))
        return f"{self.base_url}/{parts}" + ("" if fragment is None else f"#{quote(fragment, safe='')}")


FindCaller: TypeAlias = Callable[[ServerRequestContext[Any, Any]], McpCaller]


def of(context: Context[Any, Any]) -> McpCaller:
    """Return who calls a tool. The server's lifespan yields what finds the caller of a request."""
    request = context.request_context
    find: FindCaller = request.lifespan_context
    return find(request)


def choose_user(principal: Principal, default: str | None) -> str:
    """Return the one user of a principal, or the default user if the principal has access to that one.

    Raises Forbidden if the principal is for several users, and the default is not one of them.
    """
    users = principal.users
    if isinstance(users, frozenset) and len(users) == 1:
        return next(iter(users))
    if default is not None and default in users:
        return default
    raise Forbidden(
        "MCP needs a credential of one user: `afterturn keys create --user USER`; or AFTERTURN_MCP_USER names the user"
    )
