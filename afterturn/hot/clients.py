"""Clients of the hot store for processes that must keep running whatever error the server returns."""

from __future__ import annotations

from typing import Any

import redis
from redis.exceptions import OutOfMemoryError, ResponseError

from afterturn.hot import refusals, scripts

#: Commands of a worker that write a few bytes, their key being their first argument.
_SMALL_WRITES = frozenset({"SET", "HSET", "ZADD"})


class ReconnectingRedis(redis.Redis):
    """A client that reconnects after an answer of a server that is not the master."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if refusals.names_another_server(error):
                self.connection_pool.disconnect(inuse_connections=False)
            raise


class WorkerRedis(ReconnectingRedis):
    """The client of workers. Its small writes succeed at a full memory, so that workers can empty it."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return super().execute_command(*args, **options)
        except OutOfMemoryError:
            if args[0] not in _SMALL_WRITES:
                raise
            command, key, *rest = args
            return scripts.WRITE_AT_FULL_MEMORY.run(self, (key,), command, *rest)
