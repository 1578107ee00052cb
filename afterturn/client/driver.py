"""The driver for synchronous code: executes the effects that plans request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import OutOfMemoryError, RedisError

from afterturn.client import connections
from afterturn.client.connections import Connections
from afterturn.client.effects import (
    AskProviders,
    Call,
    Command,
    Effect,
    Embed,
    EmbedTexts,
    GetEmbedder,
    Plan,
    ReadCold,
    ReadPostgres,
    ReadRedis,
    Result,
    RunScript,
    RunTogether,
    Send,
    Wait,
)
from afterturn.driving import drive
from afterturn.errors import MemoryUnavailable
from afterturn.hot import refusals
from afterturn.hot.prepared_call import PreparedCall

if TYPE_CHECKING:
    from afterturn.database.statement import Answers
    from afterturn.settings import Settings


class Driver:
    """Executes plans with the connections of this process. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cached_connections: Connections | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the connections behind: a copy, or another process that gets this driver, opens its own."""
        return {"_settings": self._settings, "_cached_connections": None}

    def run(self, plan: Plan[Result]) -> Result:
        """Execute a plan and return its result. An error of an effect is raised inside the plan first."""
        return drive(plan, self._execute)

    def send(self, call: PreparedCall, arguments: Sequence[bytes]) -> int:
        """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
        pending_bytes: int = self._run_script(call, arguments)
        if self._connections.memory_watch.is_due:
            self._connections.memory_watch.check(self._connections.redis)
        return pending_bytes

    def _run_script(self, call: PreparedCall, arguments: Sequence[bytes]) -> Any:
        try:
            return call.run(self._connections.writes.call, arguments)
        except RedisError as error:
            if refusals.names_another_server(error):
                self._connections.reconnect_redis()
            raise connections.make_error(error, self._settings) from error

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
            case RunScript(call, arguments):
                return self._run_script(call, arguments)
            case Call(function, arguments):
                return function(*arguments)
            case ReadPostgres():
                return self._read_postgres(effect)
            case RunTogether():
                return self._run_together(effect)
            case ReadCold(rows):
                from afterturn.cold import reading

                return reading.read_texts(self._settings.cold_url, rows)
            case GetEmbedder():
                return self._connections.question_embedder
            case Embed(embedder, user, question):
                return embedder.embed(user, question)
            case EmbedTexts(embedder, texts):
                return embedder.embed(texts)
            case AskProviders(providers):
                from afterturn.context.providers import read_lines

                return [read_lines(provider) for provider in providers]
            case Wait(seconds):
                time.sleep(seconds)
            case _:
                raise TypeError(f"unknown effect: {effect!r}")

    def _read_redis(self, commands: Sequence[Command]) -> list[Any]:
        try:
            if len(commands) == 1:
                client = self._connections.redis
                return [client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
            try:
                return self._read_together(commands, is_transaction=True)
            except OutOfMemoryError:
                return self._read_together(commands, is_transaction=False)
        except RedisError as error:
            raise connections.make_error(error, self._settings) from error

    def _read_together(self, commands: Sequence[Command], *, is_transaction: bool) -> list[Any]:
        """Read in one round trip. Redis at its maxmemory refuses every transaction, even one that only reads."""
        with self._connections.redis.pipeline(transaction=is_transaction) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipeline.execute()

    def _read_postgres(self, effect: ReadPostgres[Result]) -> Result:
        from afterturn.database import pool, steps

        postgres = self._connections.postgres
        try:
            with pool.user_transaction(postgres, effect.user) as connection:
                return steps.run(connection, effect.steps)
        except MemoryUnavailable as error:
            raise connections.explain_postgres(error, self._settings) from error.__cause__

    def _run_together(self, effect: RunTogether) -> Answers:
        from afterturn.database import together

        postgres = self._connections.postgres
        try:
            return together.run_together(postgres, effect.user, effect.statements)
        except MemoryUnavailable as error:
            raise connections.explain_postgres(error, self._settings) from error.__cause__
