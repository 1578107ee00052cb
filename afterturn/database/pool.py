"""Connection pools, and the role of their connections."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from pgvector import HalfVector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper, HalfVectorDumper
from psycopg.rows import DictRow, dict_row
from psycopg.sql import SQL, Composed, Identifier
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from afterturn.database import deadlines, poolers, queries
from afterturn.database.availability import get_availability
from afterturn.database.connect_errors import ConnectFailed, describe_error, translate_connection_errors
from afterturn.database.connection_string import get_connection_string
from afterturn.database.deadlines import AsyncDeadlineConnection, DeadlineConnection, DeadlinePassed
from afterturn.database.prompt_pool import AsyncPromptPool, PromptPool
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

#: Sets the user whose rows the transaction can access.
SET_USER: LiteralString = "SELECT set_config('afterturn.tenant', %s, true), set_config('afterturn.user', %s, true)"

#: The first server version with the setting transaction_timeout.
_TRANSACTION_TIMEOUT_VERSION = 170_000

_SQL = queries.load("connection")

#: Disables prepared statements: Postgres may use a generic plan for them, which loses rows of a filtered vector search.
_NEVER_PREPARE: dict[str, Any] = {"prepare_threshold": None}


def open_worker_pool(settings: Settings, *, size: int) -> ConnectionPool[Connection]:
    """Open a pool of connections with the worker role. It connects in the background; `connection()` waits for it.

    Callers wait while the server is restarted, because their results may have cost LLM calls. When the server has been
    unavailable for longer, tasks fail at once.
    """
    url = get_connection_string(settings)

    def configure(connection: Connection) -> None:
        _prepare(connection, url, settings, WORKER_ROLE)
        if connection.info.server_version >= _TRANSACTION_TIMEOUT_VERSION:
            # A process that stops while it sends several statements at once is not "idle in transaction": the server
            # waits for the rest of the statements and keeps the locks. Only transaction_timeout ends that. Before
            # version 17 it lasts until the process ends.
            milliseconds = int((settings.lease_seconds + settings.postgres_timeout_seconds) * 1000)
            connection.execute(SQL("SET transaction_timeout = {}").format(milliseconds))

    return PromptPool(
        url,
        availability=get_availability(url),
        patience_seconds=settings.postgres_timeout_seconds,
        min_size=1,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=configure,
        kwargs=_connection_arguments(settings),
    )


@contextmanager
def worker_connection(settings: Settings) -> Iterator[Connection]:
    """Open one connection with the worker role, for a short command. Raises MemoryUnavailable."""
    url = get_connection_string(settings)
    with translate_connection_errors(), psycopg.connect(url, **_connection_arguments(settings)) as connection:
        _prepare(connection, url, settings, WORKER_ROLE)
        yield connection


@asynccontextmanager
async def async_worker_connection(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """Open one connection with the worker role for asyncio, for a short command. Raises MemoryUnavailable."""
    url = get_connection_string(settings)
    with translate_connection_errors():
        async with await psycopg.AsyncConnection.connect(url, **_connection_arguments(settings)) as connection:
            await _prepare_async(connection, url, settings, WORKER_ROLE)
            yield connection


def open_app_pool(settings: Settings, *, size: int = 4) -> ConnectionPool[Connection]:
    """Open a pool of connections with the reader's role; use it with `user_transaction`."""
    url = get_connection_string(settings)
    return PromptPool(
        url,
        availability=get_availability(url),
        connection_class=DeadlineConnection,
        min_size=0,
        max_size=size,
        open=True,
        timeout=settings.postgres_timeout_seconds,
        configure=lambda connection: _prepare(connection, url, settings, APP_ROLE, _NO_PARALLEL_NO_JIT),
        kwargs=_connection_arguments(settings) | _NEVER_PREPARE,
    )


def make_async_app_pool(settings: Settings, *, size: int = 4) -> AsyncPromptPool:
    """Return a pool like `open_app_pool` for asyncio, not opened yet."""
    url = get_connection_string(settings)
    return AsyncPromptPool(
        url,
        availability=get_availability(url),
        connection_class=AsyncDeadlineConnection,
        min_size=0,
        max_size=size,
        open=False,
        timeout=settings.postgres_timeout_seconds,
        configure=lambda connection: _prepare_async(connection, url, settings, APP_ROLE, _NO_PARALLEL_NO_JIT),
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
        recording_failures(pool),
        pool.connection() as connection,
        deadlines.apply_deadline(connection, deadline),
        connection.pipeline(),
        connection.transaction(),
    ):
        connection.execute(SET_USER, (scope.tenant_id, scope.user_id))
        yield connection


@asynccontextmanager
async def async_user_transaction(
    pool: AsyncConnectionPool[AsyncConnection], scope: UserScope
) -> AsyncIterator[AsyncConnection]:
    """Open a transaction that can access this user's rows only. Raises MemoryUnavailable, like `user_transaction`."""
    deadline = time.monotonic() + pool.timeout
    with translate_connection_errors(), recording_failures(pool):
        async with pool.connection() as connection:
            with deadlines.apply_deadline(connection, deadline):
                async with connection.pipeline(), connection.transaction():
                    await connection.execute(SET_USER, (scope.tenant_id, scope.user_id))
                    yield connection


@asynccontextmanager
async def async_tenantless_connection(pool: AsyncConnectionPool[AsyncConnection]) -> AsyncIterator[AsyncConnection]:
    """Yield a connection that can access no user's rows: for questions before the caller is known.

    Raises MemoryUnavailable, like `user_transaction`.
    """
    deadline = time.monotonic() + pool.timeout
    with translate_connection_errors(), recording_failures(pool):
        async with pool.connection() as connection:
            with deadlines.apply_deadline(connection, deadline):
                yield connection


@contextmanager
def recording_failures(pool: ConnectionPool[Connection] | AsyncConnectionPool[AsyncConnection]) -> Iterator[None]:
    """Record that the server did not answer a statement, so that the next callers do not wait for it."""
    try:
        yield
    except DeadlinePassed as error:
        if isinstance(pool, PromptPool | AsyncPromptPool):
            pool.availability.record_failure(error)
        raise


def _prepare(
    connection: Connection, url: str, settings: Settings, role: LiteralString, statements: LiteralString = ""
) -> None:
    """Prepare a new connection. Raises DatabaseMisconfigured if a pooler in transaction mode is between."""
    _adapt_vectors(connection)
    poolers.check_pooler(connection, url)
    with _explaining_missing_role():
        connection.execute(_setup(settings, role, statements))


async def _prepare_async(
    connection: AsyncConnection, url: str, settings: Settings, role: LiteralString, statements: LiteralString = ""
) -> None:
    """Prepare a new connection. Raises DatabaseMisconfigured if a pooler in transaction mode is between."""
    _adapt_vectors(connection)
    await poolers.check_pooler_async(connection, url)
    with _explaining_missing_role():
        await connection.execute(_setup(settings, role, statements))


@contextmanager
def _explaining_missing_role() -> Iterator[None]:
    """Raise ConnectFailed if the role does not exist: the driver's error looks like that of an invalid input."""
    try:
        yield
    except psycopg.errors.InvalidParameterValue as error:
        raise ConnectFailed(describe_error(error)) from error


def _setup(settings: Settings, role: LiteralString, statements: LiteralString) -> Composed:
    """Return the statements for a new connection; they are sent in one round trip.

    These are statements, not `options` of the connection: PgBouncer refuses those, and they would replace those of the
    user's URL.
    """
    # A process that stops in the middle of a transaction keeps its locks. After lease_seconds its lease has expired, so
    # that the server may end its session.
    return SQL("SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}; {}; SET ROLE {}; {}").format(
        int(settings.postgres_timeout_seconds * 1000),
        int(settings.lease_seconds * 1000),
        SQL(_SQL["search_path"]),
        Identifier(role),
        SQL(statements),
    )


def _adapt_vectors(connection: psycopg.BaseConnection[DictRow]) -> None:
    """Let a connection take vectors as arguments, by pgvector's adapters (docs/explanation/decisions/020).

    The id of the vector type in this database is not queried: that would take one more round trip for each new
    connection, and would fail before the first migration. The statements contain the type.
    """
    for dumper in (HalfVectorDumper, HalfVectorBinaryDumper):
        connection.adapters.register_dumper(HalfVector, dumper)


def _connection_arguments(settings: Settings) -> dict[str, Any]:
    return {
        "autocommit": True,
        "row_factory": dict_row,
        # Less than callers wait for a connection, so that they get the reason. (psycopg waits for 2 s at least.)
        "connect_timeout": max(1, int(settings.postgres_timeout_seconds) - 1),
        "application_name": "afterturn",
        # Detects a server that disappeared without closing the connection (a power cut, a firewall) in about 30 s.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,
    }
