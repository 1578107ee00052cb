"""Carries out what plans ask for, for synchronous code."""

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
from afterturn.hot.prepared_call import PreparedCall

if TYPE_CHECKING:
    from afterturn.database.pool import Connection
    from afterturn.database.statement import Row, Statement
    from afterturn.settings import Settings


class Driver:
    """Uses this process's connections. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: Connections | None = None

    def run(self, plan: Plan[Result]) -> Result:
        """Carry a plan out and return its result; what fails is raised inside the plan first."""
        try:
            effect = next(plan)
            while True:
                try:
                    answer = self._carry_out(effect)
                except Exception as error:
                    effect = plan.throw(error)
                else:
                    effect = plan.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            plan.close()

    def send(self, call: PreparedCall, arguments: Sequence[bytes]) -> int:
        """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
        try:
            pending_bytes: int = call.run(self._connections.writes.call, arguments)
        except RedisError as error:
            raise connections.unavailable(error) from error
        return pending_bytes

    @property
    def _connections(self) -> Connections:
        opened = self._opened
        if opened is None or not opened.is_usable:
            opened = self._opened = connections.of_process(self._settings)
        return opened

    def _carry_out(self, effect: Effect[Any]) -> Any:
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
                raise TypeError(f"not an effect: {effect!r}")

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
            raise connections.unavailable(error) from error

    def _read_postgres(self, effect: ReadPostgres[Result]) -> Result:
        from afterturn.database import pool

        with pool.user_transaction(self._connections.postgres, effect.user) as connection:
            try:
                statements = next(effect.steps)
                while True:
                    statements = effect.steps.send(_run(connection, statements))
            except StopIteration as end:
                result: Result = end.value
                return result


def _run(connection: Connection, statements: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
    return [list(cursor.fetchall()) for cursor in cursors]
