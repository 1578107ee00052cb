"""The driver for synchronous code: executes the effects that plans request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from afterturn.client import connections
from afterturn.client.connections import Connections
from afterturn.client.effects import (
    AskProviders,
    Command,
    Effect,
    Embed,
    GetEmbedder,
    Plan,
    ReadPostgres,
    ReadRedis,
    Result,
    Send,
    Wait,
)
from afterturn.driving import drive
from afterturn.hot.prepared_call import PreparedCall

if TYPE_CHECKING:
    from afterturn.settings import Settings


class Driver:
    """Executes plans with the connections of this process. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cached_connections: Connections | None = None

    def run(self, plan: Plan[Result]) -> Result:
        """Execute a plan and return its result. An error of an effect is raised inside the plan first."""
        return drive(plan, self._execute)

    def send(self, call: PreparedCall, arguments: Sequence[bytes]) -> int:
        """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
        try:
            pending_bytes: int = call.run(self._connections.writes.call, arguments)
        except RedisError as error:
            raise connections.make_error(error) from error
        return pending_bytes

    @property
    def _connections(self) -> Connections:
        cached = self._cached_connections
        if cached is None or not cached.is_usable:
            cached = self._cached_connections = connections.get_connections(self._settings)
        return cached

    def _execute(self, effect: Effect[Any]) -> Any:
        match effect:
            case ReadRedis(commands):
                return self._read_redis(commands)
            case Send(call, arguments):
                return self.send(call, arguments)
            case ReadPostgres():
                return self._read_postgres(effect)
            case GetEmbedder():
                return self._connections.question_embedder
            case Embed(embedder, user, question):
                return embedder.embed(user, question)
            case AskProviders(providers):
                from afterturn.context.providers import read_lines

                return [read_lines(provider) for provider in providers]
            case Wait(seconds):
                time.sleep(seconds)
            case _:
                raise TypeError(f"unknown effect: {effect!r}")

    def _read_redis(self, commands: Sequence[Command]) -> list[Any]:
        try:
            client = self._connections.redis
            if len(commands) == 1:
                return [client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
            with client.pipeline(transaction=True) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
                return pipeline.execute()
        except RedisError as error:
            raise connections.make_error(error) from error

    def _read_postgres(self, effect: ReadPostgres[Result]) -> Result:
        from afterturn.database import pool, steps

        with pool.user_transaction(self._connections.postgres, effect.user) as connection:
            return steps.run(connection, effect.steps)
