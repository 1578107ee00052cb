"""The credentials of a door: the same for HTTP and for every other door that serves strangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from afterturn.access.credentials import Credentials
from afterturn.client import connections

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from afterturn.database.pool import AsyncConnection
    from afterturn.settings import Settings


def open_credentials(settings: Settings) -> Credentials:
    """Return what turns the credentials of these settings into callers, by the connections of the running event loop.

    `(await credentials.resolve("at_…")).principal` is the principal of a key. Keep the object: it remembers keys.
    """

    async def open_pool() -> AsyncConnectionPool[AsyncConnection]:
        return await connections.get_async_connections(settings).postgres()

    return Credentials(settings, open_pool)
