"""`afterturn mcp` over standard input and output, for one user: who starts it says which."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass

import anyio
from mcp.server.context import ServerRequestContext

from afterturn import ids
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.errors import MemoryUnavailable
from afterturn.principal import Principal, Right
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.cli import audited
from api_shim.mcp.callers import McpCaller
from api_shim.mcp.memory_server import MemoryServer
from api_shim.mcp.standard_streams import StandardStreams

logger = logging.getLogger("afterturn.mcp")

#: How often the entry of the access log is tried again while Postgres is away.
_AUDIT_SECONDS = 5.0
_CLOSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StdioOptions:
    """Whose memory is served, and how."""

    user_id: str
    tenant_id: str | None
    session_id: str
    agent_id: str | None
    is_read_only: bool

    def make_caller(self, settings: Settings) -> McpCaller:
        """Return the caller. Raises InvalidId."""
        tenant_id = settings.tenant if self.tenant_id is None else self.tenant_id
        rights = {Right.READ} if self.is_read_only else {Right.READ, Right.WRITE}
        return McpCaller(
            principal=Principal(
                tenant_id=tenant_id,
                users=frozenset({ids.validate_id("user", self.user_id)}),
                rights=frozenset(rights),
            ),
            user_id=self.user_id,
            settings=settings,
            base_url=settings.api_public_url or f"http://{settings.api_host}:{settings.api_port}",
            session_id=ids.validate_session_id(self.session_id),
            agent_id=None if self.agent_id is None else ids.validate_id("agent", self.agent_id),
        )


async def serve(options: StdioOptions, source: int, sink: int) -> None:
    """Serve until the input ends, or until SIGINT or SIGTERM.

    Args:
        options: whose memory.
        source: the descriptor with the messages of the client.
        sink: the descriptor for the answers.
    """
    # Later, it would keep the event loop from calls that wait for Redis, until they fail.
    plans.import_all()
    limit_bytes = options.make_caller(settings_module.from_environment()).settings.body_limit_bytes
    streams = StandardStreams(source, sink, limit_bytes=limit_bytes)

    def find_caller(_: ServerRequestContext) -> McpCaller:
        # While the servers are unknown, an `afterturn up` may be started: then these are new settings.
        return options.make_caller(settings_module.from_environment())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_on_signal, tasks.cancel_scope)
        tasks.start_soon(_record, options)
        tasks.start_soon(MemoryServer(find_caller).run_on, streams.read, streams.write)
        await streams.relay()
        tasks.cancel_scope.cancel()
    with anyio.move_on_after(_CLOSE_SECONDS, shield=True):
        await connections.close_async_connections()


async def _stop_on_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            logger.info("stopped by %s", number.name)
            scope.cancel()
            return


async def _record(options: StdioOptions) -> None:
    """Add an entry to the access log, as commands do that show a memory. While Postgres is away, it is tried again."""
    while True:
        caller = options.make_caller(settings_module.from_environment())
        scope = UserScope(caller.principal.tenant_id, caller.user_id)
        try:
            await asyncio.to_thread(audited.record, caller.settings, "mcp", scope)
        except MemoryUnavailable as error:
            logger.warning("the start is not in the access log yet: %s", error)
            await anyio.sleep(_AUDIT_SECONDS)
        else:
            return
