"""The connections of this process, shared by all its clients and opened when first used.

A client is cheap to make, one per request if need be: it holds no connection of its own. After a fork the child opens
its own. With asyncio each running event loop has its own.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from functools import cached_property
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from afterturn.database.pool import AsyncConnection, Connection, make_async_app_pool, open_app_pool
from afterturn.recall.question_embedder import QuestionEmbedder
from afterturn.settings import Settings
from api_shim import attempts
from api_shim.attempts import AsyncAttempts, Attempts


class Connections:
    """Redis and Postgres for synchronous code."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process_id = os.getpid()
        self._is_closed = False
        self.question_embedder = QuestionEmbedder(settings)

    @property
    def is_usable(self) -> bool:
        """Whether it is open, and this process's own."""
        return not self._is_closed and self._process_id == os.getpid()

    @cached_property
    def redis(self) -> redis.Redis:
        seconds = attempts.seconds_each(self._settings.redis_timeout_seconds)
        return redis.Redis.from_url(
            self._settings.redis_url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Attempts(),
        )

    @cached_property
    def postgres(self) -> ConnectionPool[Connection]:
        return open_app_pool(self._settings)

    def close(self) -> None:
        self._is_closed = True
        if "postgres" in self.__dict__:
            self.postgres.close()
        if "redis" in self.__dict__:
            self.redis.close()


class AsyncConnections:
    """Redis and Postgres for one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.question_embedder = QuestionEmbedder(settings)
        seconds = attempts.seconds_each(settings.redis_timeout_seconds)
        self.redis = redis.asyncio.Redis.from_url(
            settings.redis_url,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=AsyncAttempts(),
        )
        self._pool = make_async_app_pool(settings)
        self._opening = asyncio.Lock()

    async def postgres(self) -> AsyncConnectionPool[AsyncConnection]:
        """Return the pool, opened by the first caller."""
        async with self._opening:
            if self._pool.closed:
                await self._pool.open()
        return self._pool

    async def close(self) -> None:
        if not self._pool.closed:
            await self._pool.close()
        await self.redis.aclose()


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
