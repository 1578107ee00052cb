"""The connections of this process, shared by all its clients and opened when first used.

What only Postgres or a question's vector needs is imported then, too: a client that only writes does without.
A client is cheap to make, one per request if need be: it holds no connection of its own. After a fork the child opens
its own. With asyncio each running event loop has its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from afterturn.client import attempts
from afterturn.client.attempts import AsyncAttempts, Attempts
from afterturn.client.write_connections import WriteConnections
from afterturn.errors import MemoryUnavailable, PendingLimitReached

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool, ConnectionPool

    from afterturn.database.pool import AsyncConnection, Connection
    from afterturn.recall.question_embedder import QuestionEmbedder
    from afterturn.settings import Settings


class Connections:
    """Redis and Postgres for synchronous code."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process_id = os.getpid()
        self._is_closed = False
        self._opening = threading.Lock()
        self._redis: Redis | None = None
        self._writes: WriteConnections | None = None
        self._pool: ConnectionPool[Connection] | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it is open, and this process's own."""
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
        return _question_embedder(self._settings)

    def close(self) -> None:
        self._is_closed = True
        if self._pool is not None:
            self._pool.close()
        if self._writes is not None:
            self._writes.close()
        if self._redis is not None:
            self._redis.close()

    def _open_redis(self) -> Redis:
        with self._opening:
            if self._redis is None:
                seconds = attempts.seconds_each(self._settings.redis_timeout_seconds)
                self._redis = Redis.from_url(
                    self._settings.redis_url,
                    socket_timeout=seconds,
                    socket_connect_timeout=seconds,
                    retry=Attempts(),
                )
            return self._redis

    def _open_writes(self) -> WriteConnections:
        client = self.redis
        with self._opening:
            if self._writes is None:
                self._writes = WriteConnections(client)
            return self._writes

    def _open_pool(self) -> ConnectionPool[Connection]:
        from afterturn.database import pool

        with self._opening:
            if self._pool is None:
                self._pool = pool.open_app_pool(self._settings)
            return self._pool


class AsyncConnections:
    """Redis and Postgres for one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        seconds = attempts.seconds_each(settings.redis_timeout_seconds)
        self.redis = AsyncRedis.from_url(
            settings.redis_url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=AsyncAttempts(),
        )
        self._pool: AsyncConnectionPool[AsyncConnection] | None = None
        self._opening = asyncio.Lock()

    async def postgres(self) -> AsyncConnectionPool[AsyncConnection]:
        """Return the pool, opened by the first caller."""
        async with self._opening:
            if self._pool is None or self._pool.closed:
                from afterturn.database import pool

                self._pool = pool.make_async_app_pool(self._settings)
                await self._pool.open()
        return self._pool

    @cached_property
    def question_embedder(self) -> QuestionEmbedder:
        return _question_embedder(self._settings)

    async def close(self) -> None:
        if self._pool is not None and not self._pool.closed:
            await self._pool.close()
        await self.redis.aclose()


def _question_embedder(settings: Settings) -> QuestionEmbedder:
    from afterturn.recall.question_embedder import QuestionEmbedder

    return QuestionEmbedder(settings)


_guard = threading.Lock()
_of_process: dict[Settings, Connections] = {}
_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Settings, AsyncConnections]] = WeakKeyDictionary()


def of_process(settings: Settings) -> Connections:
    """Return this process's connections for these settings."""
    with _guard:
        found = _of_process.get(settings)
        if found is None or not found.is_usable:
            found = _of_process[settings] = Connections(settings)
        return found


def of_loop(settings: Settings) -> AsyncConnections:
    """Return the running event loop's connections for these settings."""
    loop = asyncio.get_running_loop()
    with _guard:
        by_settings = _of_loop.setdefault(loop, {})
        if settings not in by_settings:
            by_settings[settings] = AsyncConnections(settings)
        return by_settings[settings]


@atexit.register
def close_connections() -> None:
    """Close what the synchronous clients of this process have opened. They may go on and open it again."""
    with _guard:
        opened = [connections for connections in _of_process.values() if connections.is_usable]
        _of_process.clear()
    for connections in opened:
        connections.close()


async def close_async_connections() -> None:
    """Close what the asynchronous clients have opened in the running event loop."""
    with _guard:
        opened = _of_loop.pop(asyncio.get_running_loop(), {})
    for connections in opened.values():
        await connections.close()


def unavailable(error: RedisError) -> MemoryUnavailable:
    """Return afterturn's error for one of the Redis client's."""
    if isinstance(error, ResponseError) and str(error).startswith("PENDINGLIMIT"):
        return PendingLimitReached()
    if isinstance(error, RedisTimeoutError):
        return MemoryUnavailable("Redis (AFTERTURN_REDIS_URL) did not answer within AFTERTURN_REDIS_TIMEOUT_SECONDS")
    return MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) failed: {type(error).__name__}: {error}")
