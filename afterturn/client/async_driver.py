"""Carries out what plans ask for, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from afterturn.client import connections
from afterturn.client.connections import AsyncConnections
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
    from afterturn.database.pool import AsyncConnection
    from afterturn.database.statement import Row, Statement
    from afterturn.settings import Settings


class AsyncDriver:
    """Uses the connections of the running event loop. Tasks may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def run(self, plan: Plan[Result]) -> Result:
        """Carry a plan out and return its result; what fails is raised inside the plan first."""
        try:
            effect = next(plan)
            while True:
                try:
                    answer = await self._carry_out(effect)
                except Exception as error:
                    effect = plan.throw(error)
                else:
                    effect = plan.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
        finally:
            plan.close()

    async def send(self, call: PreparedCall, arguments: Sequence[bytes]) -> int:
        """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
        try:
            pending_bytes: int = await call.run_async(self._connections.redis, arguments)
        except RedisError as error:
            raise connections.unavailable(error) from error
        return pending_bytes

    @property
    def _connections(self) -> AsyncConnections:
        return connections.of_loop(self._settings)

    async def _carry_out(self, effect: Effect[Any]) -> Any:
        match effect:
            case ReadRedis(commands):
                return await self._read_redis(commands)
            case Send(call, arguments):
                return await self.send(call, arguments)
            case ReadPostgres():
                return await self._read_postgres(effect)
            case GetEmbedder():
                return self._connections.question_embedder
            case Embed(embedder, user, question):
                # It may compute or call: neither may stop the event loop.
                return await asyncio.to_thread(embedder.embed, user, question)
            case AskProviders(providers):
                from afterturn.context.providers import read_lines_async

                return await asyncio.gather(*(read_lines_async(provider) for provider in providers))
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case _:
                raise TypeError(f"not an effect: {effect!r}")

    async def _read_redis(self, commands: Sequence[Command]) -> list[Any]:
        try:
            client = self._connections.redis
            if len(commands) == 1:
                return [await client.execute_command(*commands[0])]
            async with client.pipeline(transaction=True) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                answers: list[Any] = await pipeline.execute()
                return answers
        except RedisError as error:
            raise connections.unavailable(error) from error

    async def _read_postgres(self, effect: ReadPostgres[Result]) -> Result:
        from afterturn.database import pool

        async with pool.async_user_transaction(await self._connections.postgres(), effect.user) as connection:
            try:
                statements = next(effect.steps)
                while True:
                    statements = effect.steps.send(await _run(connection, statements))
            except StopIteration as end:
                result: Result = end.value
                return result


async def _run(connection: AsyncConnection, statements: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [await connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
    return [list(await cursor.fetchall()) for cursor in cursors]
