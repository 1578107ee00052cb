"""The connections of this process. All its clients share them, and the first use opens them.

Modules that only Postgres or the embedder needs are imported on first use too, so a client that only writes does not
load them. A client has no connection of its own, so it is cheap to create one per request. A forked child opens its own
connections. With asyncio each event loop has its own connections, which are closed with the loop.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import socket
import threading
from collections.abc import AsyncGenerator
from functools import cached_property
from typing import TYPE_CHECKING

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from afterturn.client import attempts
from afterturn.client.attempts import AsyncAttempts, Attempts
from afterturn.client.memory_watch import MemoryWatch
from afterturn.client.write_connections import WriteConnections
from afterturn.errors import MemoryUnavailable, PendingLimitReached, TurnIdUsed
from afterturn.hot import redis_url, refusals

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    from afterturn.database.pool import AsyncConnection, Connection
    from afterturn.database.prompt_pool import AsyncPromptPool
    from afterturn.recall.question_embedder import QuestionEmbedder
    from afterturn.settings import Settings


class Connections:
    """Connections to Redis and Postgres for synchronous code."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process_id = os.getpid()
        self._is_closed = False
        self._open_lock = threading.Lock()
        self._redis: Redis | None = None
        self._writes: WriteConnections | None = None
        self._pool: ConnectionPool[Connection] | None = None
        self.memory_watch = MemoryWatch()

    @property
    def is_usable(self) -> bool:
        """Whether the connections are open and were not inherited by a fork."""
        return not self._is_closed and self._process_id == os.getpid()

    @property
    def redis(self) -> Redis:
        return self._redis or self._open_redis()

    @property
    def writes(self) -> WriteConnections:
        return self._writes or self._open_writes()

    @property
    def postgres(self) -> ConnectionPool[Connection]:
        return self._pool or self._open_pool()

    @cached_property
    def question_embedder(self) -> QuestionEmbedder:
        return _make_question_embedder(self._settings)

    def reconnect_redis(self) -> None:
        """Close the free connections to Redis, because the server is no longer the master."""
        self.redis.connection_pool.disconnect(inuse_connections=False)
        self.writes.close()

    def close(self) -> None:
        self._is_closed = True
        if self._pool is not None:
            self._pool.close()
        if self._writes is not None:
            self._writes.close()
        if self._redis is not None:
            self._redis.close()
        if "question_embedder" in self.__dict__:
            self.question_embedder.close()

    def _open_redis(self) -> Redis:
        with self._open_lock:
            if self._redis is None:
                timeout = attempts.attempt_timeout(self._settings.redis_timeout_seconds)
                self._redis = redis_url.open_client(
                    self._settings.redis_url,
                    socket_timeout=timeout,
                    socket_connect_timeout=timeout,
                    retry=Attempts(),
                )
            return self._redis

    def _open_writes(self) -> WriteConnections:
        client = self.redis
        with self._open_lock:
            if self._writes is None:
                self._writes = WriteConnections(client)
            return self._writes

    def _open_pool(self) -> ConnectionPool[Connection]:
        from afterturn.database import pool

        with self._open_lock:
            if self._pool is None:
                self._pool = pool.open_app_pool(self._settings)
            return self._pool


class AsyncConnections:
    """Connections to Redis and Postgres for one event loop."""

    def __init__(self, settings: Settings) -> None:
        """Create the connections of the running event loop. `asyncio.run` closes them when it ends."""
        self._settings = settings
        timeout = attempts.attempt_timeout(settings.redis_timeout_seconds)
        self.redis: AsyncRedis = redis_url.open_async_client(
            settings.redis_url,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=AsyncAttempts(),
        )
        self.memory_watch = MemoryWatch()
        self._pool: AsyncPromptPool | None = None
        self._open_lock = asyncio.Lock()
        # An event loop that shuts down finishes its asynchronous generators: that is when the last line of this one
        # runs. It is started here, up to its `yield`.
        self._until_closed = self._close_at_the_end()
        with contextlib.suppress(StopIteration):
            self._until_closed.asend(None).send(None)

    async def postgres(self) -> AsyncConnectionPool[AsyncConnection]:
        """Return the pool. The first caller opens it."""
        async with self._open_lock:
            if self._pool is None or self._pool.closed:
                from afterturn.database import pool

                self._pool = pool.make_async_app_pool(self._settings)
                await self._pool.open()
        return self._pool

    @property
    def question_embedder(self) -> QuestionEmbedder:
        """The embedder of the process: it computes, or calls its endpoint, in a thread."""
        return get_connections(self._settings).question_embedder

    async def close(self) -> None:
        """Close everything."""
        await self._until_closed.aclose()

    async def _close_at_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            if self._pool is not None and not self._pool.closed:
                await self._pool.close()
            await self.redis.aclose()

    def abandon(self) -> None:
        """Disconnect from the servers, without the event loop, which was closed."""
        if self._pool is not None:
            self._pool.abandon()
        _disconnect_redis(self.redis)


def _disconnect_redis(client: AsyncRedis) -> None:
    """Close the sockets of a client whose event loop was closed. asyncio would leave that to the garbage collector."""
    pool = client.connection_pool
    for connection in (*pool._available_connections, *pool._in_use_connections):
        writer, connection._writer, connection._reader = connection._writer, None, None
        if writer is None:
            continue
        with contextlib.suppress(OSError):
            writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        # The transport's close needs its loop, which is closed, so the socket is closed here.
        with contextlib.suppress(RuntimeError):
            writer.transport.close()
        with contextlib.suppress(RuntimeError):
            getattr(writer.transport, "_call_connection_lost", _ignore)(None)


def _ignore(_: None) -> None:
    """Do nothing: a transport of another kind of event loop."""


def _make_question_embedder(settings: Settings) -> QuestionEmbedder:
    from afterturn.recall.question_embedder import QuestionEmbedder

    return QuestionEmbedder(settings)


_registry_lock = threading.Lock()
_by_settings: dict[Settings, Connections] = {}
_by_loop: dict[asyncio.AbstractEventLoop, dict[Settings, AsyncConnections]] = {}


def get_connections(settings: Settings) -> Connections:
    """Return the connections of this process for these settings."""
    with _registry_lock:
        existing = _by_settings.get(settings)
        if existing is not None and existing.is_usable:
            return existing
        created = _by_settings[settings] = Connections(settings)
        return created


def get_async_connections(settings: Settings) -> AsyncConnections:
    """Return the connections of the running event loop for these settings."""
    loop = asyncio.get_running_loop()
    with _registry_lock:
        if loop not in _by_loop:
            _abandon_closed_loops()
        by_settings = _by_loop.setdefault(loop, {})
        if settings not in by_settings:
            by_settings[settings] = AsyncConnections(settings)
        return by_settings[settings]


def _abandon_closed_loops() -> None:
    """Forget event loops that were closed, and the connections of those that `asyncio.run` did not end."""
    for loop in [loop for loop in _by_loop if loop.is_closed()]:
        for connections in _by_loop.pop(loop).values():
            connections.abandon()


@atexit.register
def close_connections() -> None:
    """Close all connections of the synchronous clients of this process. A later call opens new ones."""
    with _registry_lock:
        usable = [connections for connections in _by_settings.values() if connections.is_usable]
        _by_settings.clear()
    for connections in usable:
        connections.close()


async def close_async_connections() -> None:
    """Close all connections of the asyncio clients in the running event loop."""
    with _registry_lock:
        by_settings = _by_loop.pop(asyncio.get_running_loop(), {})
    for connections in by_settings.values():
        await connections.close()


def make_error(error: RedisError, settings: Settings) -> MemoryUnavailable | TurnIdUsed:
    """Return our error for an error of the Redis client or of one of our scripts."""
    if isinstance(error, ResponseError) and str(error).startswith("TURNIDUSED "):
        turn_id = str(error).removeprefix("TURNIDUSED ")
        return TurnIdUsed(f"the session has a turn {turn_id} with other content; nothing was stored")
    if isinstance(error, ResponseError) and str(error).startswith("PENDINGLIMIT"):
        return PendingLimitReached()
    if isinstance(error, RedisTimeoutError):
        text = "Redis (AFTERTURN_REDIS_URL) did not answer within AFTERTURN_REDIS_TIMEOUT_SECONDS"
    else:
        what = refusals.explain(error) or f"failed: {type(error).__name__}: {error}"
        text = f"Redis (AFTERTURN_REDIS_URL) {what}"
    return MemoryUnavailable(f"{text}{settings.explain_default('redis_url')}")


def explain_postgres(error: MemoryUnavailable, settings: Settings) -> MemoryUnavailable:
    """Return the error with what to do, if the environment names no Postgres."""
    explanation = settings.explain_default("postgres_url")
    return type(error)(f"{error}{explanation}") if explanation else error
