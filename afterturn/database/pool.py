"""Connection pools, and the role of their connections."""

from __future__ import annotations

import select
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from pgvector import HalfVector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper, HalfVectorDumper
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from afterturn.database import deadlines, sqlstates
from afterturn.database.deadlines import AsyncDeadlineConnection, DeadlineConnection
from afterturn.scopes import UserScope
from afterturn.settings import Settings

Connection: TypeAlias = psycopg.Connection[DictRow]
AsyncConnection: TypeAlias = psycopg.AsyncConnection[DictRow]

#: The role of workers: it can access the rows of all users.
WORKER_ROLE: LiteralString = "afterturn_worker"
#: The role of readers: row-level security shows it the rows of the user that the transaction names, or no rows.
APP_ROLE: LiteralString = "afterturn_app"

#: Starting parallel workers, or compiling a plan, takes longer than nearly every statement of a reader.
_NO_PARALLEL_NO_JIT: LiteralString = "SET max_parallel_workers_per_gather = 0; SET jit = off"

_SET_USER = "SELECT set_config('afterturn.tenant', %s, true), set_config('afterturn.user', %s, true)"

#: The first server version with the setting transaction_timeout.
_TRANSACTION_TIMEOUT_VERSION = 170_000

#: Disables prepared statements: Postgres may use a generic plan for them, which loses rows of a filtered vector search.
_NEVER_PREPARE: dict[str, Any] = {"prepare_threshold": None}


def open_worker_pool(settings: Settings, *, size: int) -> ConnectionPool[Connection]:
    """Open a pool of connections with the worker role. It connects in the background; `connection()` waits for it."""

    milliseconds = int((settings.lease_seconds + settings.postgres_timeout_seconds) * 1000)

    def configure(connection: Connection) -> None:
        _adapt_vectors(connection)
        connection.execute(f"SET ROLE {WORKER_ROLE}")
        if connection.info.server_version >= _TRANSACTION_TIMEOUT_VERSION:
            # A process that stops while it sends several statements at once is not "idle in transaction": the server
            # waits for the rest of the statements and keeps the locks. Only transaction_timeout ends that. Before
            # version 17 it lasts until the process ends.
            connection.execute(SQL("SET transaction_timeout = {}").format(milliseconds))

    return ConnectionPool(
        settings.postgres_url.get_secret_value(),
        min_size=1,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        check=_check_open,
        kwargs=_connection_arguments(settings),
    )


def _check_open(connection: Connection) -> None:
    """Raise OperationalError if the server has closed an idle connection. An open connection needs no round trip.

    The socket of a closed connection is readable. The socket of an idle connection is not, except for notices.
    """
    socket = select.poll()
    socket.register(connection.pgconn.socket, select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)


@contextmanager
def worker_connection(settings: Settings) -> Iterator[Connection]:
    """Open one connection with the worker role, for a short command. Raises MemoryUnavailable."""
    url = settings.postgres_url.get_secret_value()
    with translate_connection_errors(), psycopg.connect(url, **_connection_arguments(settings)) as connection:
        connection.execute(f"SET ROLE {WORKER_ROLE}")
        yield connection


@asynccontextmanager
async def async_worker_connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Open one connection with the worker role for asyncio, for a short command. Raises MemoryUnavailable."""
    url = settings.postgres_url.get_secret_value()
    with translate_connection_errors():
        async with await psycopg.AsyncConnection.connect(url, **_connection_arguments(settings)) as connection:
            await connection.execute(f"SET ROLE {WORKER_ROLE}")
            yield connection


def open_app_pool(settings: Settings, *, size: int = 4) -> ConnectionPool[Connection]:
    """Open a pool of connections with the reader's role; use it with `user_transaction`."""

    def configure(connection: Connection) -> None:
        _adapt_vectors(connection)
        connection.execute(f"SET ROLE {APP_ROLE}")
        connection.execute(_NO_PARALLEL_NO_JIT)

    return ConnectionPool(
        settings.postgres_url.get_secret_value(),
        connection_class=DeadlineConnection,
        min_size=0,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        kwargs=_connection_arguments(settings) | _NEVER_PREPARE,
    )


def make_async_app_pool(settings: Settings, *, size: int = 4) -> AsyncConnectionPool[AsyncConnection]:
    """Return a pool like `open_app_pool` for asyncio, not opened yet."""

    async def configure(connection: AsyncConnection) -> None:
        _adapt_vectors(connection)
        await connection.execute(f"SET ROLE {APP_ROLE}")
        await connection.execute(_NO_PARALLEL_NO_JIT)

    return AsyncConnectionPool(
        settings.postgres_url.get_secret_value(),
        connection_class=AsyncDeadlineConnection,
        min_size=0,
        max_size=size,
        open=False,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        kwargs=_connection_arguments(settings) | _NEVER_PREPARE,
    )


@contextmanager
def user_transaction(pool: ConnectionPool[Connection], scope: UserScope) -> Iterator[Connection]:
    """Open a transaction that can access this user's rows only.

    It uses pipeline mode, so that setting the user needs no separate round trip. Raises MemoryUnavailable when the
    block, including the wait for a connection, takes longer than the pool's timeout.
    """
    deadline = time.monotonic() + pool.timeout
    with (
        translate_connection_errors(),
        pool.connection() as connection,
        deadlines.apply_deadline(connection, deadline),
        connection.pipeline(),
        connection.transaction(),
    ):
        connection.execute(_SET_USER, (scope.tenant_id, scope.user_id))
        yield connection


@asynccontextmanager
async def async_user_transaction(
    pool: AsyncConnectionPool[AsyncConnection], scope: UserScope
) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that can access this user's rows only. Raises MemoryUnavailable, like `user_transaction`."""
    deadline = time.monotonic() + pool.timeout
    with translate_connection_errors():
        async with pool.connection() as connection:
            with deadlines.apply_deadline(connection, deadline):
                async with connection.pipeline(), connection.transaction():
                    await connection.execute(_SET_USER, (scope.tenant_id, scope.user_id))
                    yield connection


@contextmanager
def translate_connection_errors() -> Iterator[None]:
    """Raise an error of afterturn instead of the driver's: see `sqlstates.public_error`.

    A missing privilege is raised as it is: here it is an error of the statement, which its caller has to explain.
    """
    try:
        yield
    except psycopg.errors.InsufficientPrivilege:
        raise
    except (PoolTimeout, psycopg.Error) as error:
        raise sqlstates.public_error(error) from error


@contextmanager
def translate_privilege_errors() -> Iterator[None]:
    """Raise DatabaseMisconfigured, which names the fix, where the login lacks a privilege."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise sqlstates.public_error(error) from error


def _adapt_vectors(connection: psycopg.BaseConnection[DictRow]) -> None:
    """Let a connection take vectors as arguments, by pgvector's adapters (docs/explanation/decisions/020).

    The number that their type has in this database is not asked for: that would be a round trip more for each new
    connection, and would fail before the first migration. The statements say the type.
    """
    for dumper in (HalfVectorDumper, HalfVectorBinaryDumper):
        connection.adapters.register_dumper(HalfVector, dumper)


def _connection_arguments(settings: Settings) -> dict[str, Any]:
    milliseconds = int(settings.postgres_timeout_seconds * 1000)
    # A process that stops in the middle of a transaction keeps its locks. After lease_seconds its lease has expired, so
    # that the server may end its session.
    idle_milliseconds = int(settings.lease_seconds * 1000)
    return {
        "autocommit": True,
        "row_factory": dict_row,
        "connect_timeout": max(1, int(settings.postgres_timeout_seconds)),
        "options": f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={idle_milliseconds}",
        "application_name": "afterturn",
        # Detects a server that disappeared without closing the connection (a power cut, a firewall) in about 30 s.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
