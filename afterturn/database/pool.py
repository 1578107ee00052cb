"""Connection pools, and the role that a connection takes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from afterturn.database import bounded
from afterturn.database.bounded import BoundedAsyncConnection, BoundedConnection
from afterturn.errors import MemoryUnavailable
from afterturn.scopes import UserScope
from afterturn.settings import Settings

Connection: TypeAlias = psycopg.Connection[DictRow]
AsyncConnection: TypeAlias = psycopg.AsyncConnection[DictRow]

#: Sees every user: for workers only.
WORKER_ROLE: LiteralString = "afterturn_worker"
#: Sees the user that the transaction names, and nothing where it names none.
APP_ROLE: LiteralString = "afterturn_app"

#: To start other processes, or to compile a plan, takes Postgres longer than nearly any reader's statement.
_AT_ONCE: LiteralString = "SET max_parallel_workers_per_gather = 0; SET jit = off"

_SET_OWNER = "SELECT set_config('afterturn.tenant', %s, true), set_config('afterturn.user', %s, true)"


def open_worker_pool(settings: Settings, *, size: int) -> ConnectionPool[Connection]:
    """Open a pool of connections that cross users. Connects in the background; `connection()` waits for the first."""

    milliseconds = int((settings.lease_seconds + settings.postgres_timeout_seconds) * 1000)

    def configure(connection: Connection) -> None:
        connection.execute(f"SET ROLE {WORKER_ROLE}")
        if connection.info.server_version >= _KNOWS_TRANSACTION_TIMEOUT:
            # A process that falls asleep while it sends many statements at once is not "idle" to the server, which
            # waits for the rest of them and keeps the locks. Before version 17 nothing ends that but its own end.
            connection.execute(SQL("SET transaction_timeout = {}").format(milliseconds))

    return ConnectionPool(
        settings.postgres_url.get_secret_value(),
        min_size=1,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        check=ConnectionPool.check_connection,
        kwargs=_connection_arguments(settings),
    )


@contextmanager
def worker_connection(settings: Settings) -> Iterator[Connection]:
    """Open one connection that crosses users, for a command that soon ends. Raises MemoryUnavailable."""
    url = settings.postgres_url.get_secret_value()
    with unavailable_as_ours(), psycopg.connect(url, **_connection_arguments(settings)) as connection:
        connection.execute(f"SET ROLE {WORKER_ROLE}")
        yield connection


@asynccontextmanager
async def worker_connection_async(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Open one connection that crosses users, for asyncio. Raises MemoryUnavailable."""
    url = settings.postgres_url.get_secret_value()
    with unavailable_as_ours():
        async with await psycopg.AsyncConnection.connect(url, **_connection_arguments(settings)) as connection:
            await connection.execute(f"SET ROLE {WORKER_ROLE}")
            yield connection


def open_app_pool(settings: Settings, *, size: int = 4) -> ConnectionPool[Connection]:
    """Open a pool for readers of one user at a time; take connections from it with `owned`."""

    def configure(connection: Connection) -> None:
        connection.execute(f"SET ROLE {APP_ROLE}")
        connection.execute(_AT_ONCE)

    return ConnectionPool(
        settings.postgres_url.get_secret_value(),
        connection_class=BoundedConnection,
        min_size=0,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        kwargs=_connection_arguments(settings) | _NEVER_PREPARE,
    )


def make_async_app_pool(settings: Settings, *, size: int = 4) -> AsyncConnectionPool[AsyncConnection]:
    """Return such a pool for asyncio, not yet open."""

    async def configure(connection: AsyncConnection) -> None:
        await connection.execute(f"SET ROLE {APP_ROLE}")
        await connection.execute(_AT_ONCE)

    return AsyncConnectionPool(
        settings.postgres_url.get_secret_value(),
        connection_class=BoundedAsyncConnection,
        min_size=0,
        max_size=size,
        open=False,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        kwargs=_connection_arguments(settings) | _NEVER_PREPARE,
    )


@contextmanager
def owned(pool: ConnectionPool[Connection], scope: UserScope) -> Iterator[Connection]:
    """Open a transaction that sees this user's rows only.

    It is in pipeline mode: naming the user costs no round trip of its own. Raises MemoryUnavailable, at the latest
    when the pool's timeout has passed, waiting for the connection included.
    """
    deadline = time.monotonic() + pool.timeout
    with (
        unavailable_as_ours(),
        pool.connection() as connection,
        bounded.within(connection, deadline),
        connection.pipeline(),
        connection.transaction(),
    ):
        connection.execute(_SET_OWNER, (scope.tenant_id, scope.user_id))
        yield connection


@asynccontextmanager
async def owned_async(pool: AsyncConnectionPool[AsyncConnection], scope: UserScope) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that sees this user's rows only. Raises MemoryUnavailable, like `owned`."""
    deadline = time.monotonic() + pool.timeout
    with unavailable_as_ours():
        async with pool.connection() as connection:
            with bounded.within(connection, deadline):
                async with connection.pipeline(), connection.transaction():
                    await connection.execute(_SET_OWNER, (scope.tenant_id, scope.user_id))
                    yield connection


@contextmanager
def unavailable_as_ours() -> Iterator[None]:
    """Turn the driver's word for "away" into MemoryUnavailable."""
    try:
        yield
    except (PoolTimeout, psycopg.OperationalError) as error:
        raise MemoryUnavailable(f"Postgres (AFTERTURN_POSTGRES_URL) did not answer: {type(error).__name__}") from error


_KNOWS_TRANSACTION_TIMEOUT = 170_000

#: With a prepared statement Postgres may settle on a generic plan, which loses rows of a filtered vector search.
_NEVER_PREPARE: dict[str, Any] = {"prepare_threshold": None}


def _connection_arguments(settings: Settings) -> dict[str, Any]:
    milliseconds = int(settings.postgres_timeout_seconds * 1000)
    # A process that sleeps in the middle of a transaction holds locks that nobody else gets. Its lease would have
    # lapsed by now; so does its session.
    idle_milliseconds = int(settings.lease_seconds * 1000)
    return {
        "autocommit": True,
        "row_factory": dict_row,
        "connect_timeout": max(1, int(settings.postgres_timeout_seconds)),
        "options": f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={idle_milliseconds}",
        "application_name": "afterturn",
        # A server that vanished without a word (a power cut, a firewall) is noticed within about half a minute.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
