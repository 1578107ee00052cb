"""The driver for asyncio: executes the effects that plans request."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.exceptions import OutOfMemoryError, RedisError

from afterturn.client import connections
from afterturn.client.connections import AsyncConnections
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
from afterturn.driving import drive_async
from afterturn.errors import MemoryUnavailable
from afterturn.hot import refusals
from afterturn.hot.prepared_call import PreparedCall

if TYPE_CHECKING:
    from afterturn.database.statement import Answers
    from afterturn.settings import Settings


class AsyncDriver:
    """Executes plans with the connections of the running event loop. Tasks may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def run(self, plan: Plan[Result]) -> Result:
        """Execute a plan and return its result. An error of an effect is raised inside the plan first."""
        return await drive_async(plan, self._execute)

    async def send(self, call: PreparedCall, arguments: Sequence[bytes]) -> int:
        """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
        pending_bytes: int = await self._run_script(call, arguments)
        if self._connections.memory_watch.is_due:
            await self._connections.memory_watch.check_async(self._connections.redis)
        return pending_bytes

    async def _run_script(self, call: PreparedCall, arguments: Sequence[bytes]) -> Any:
        try:
            return await call.run_async(self._connections.redis, arguments)
        except RedisError as error:
            if refusals.names_another_server(error):
                await self._connections.redis.connection_pool.disconnect(inuse_connections=False)
            raise connections.make_error(error, self._settings) from error

    @property
    def _connections(self) -> AsyncConnections:
        return connections.get_async_connections(self._settings)

    async def _execute(self, effect: Effect[Any]) -> Any:
        match effect:
            case ReadRedis(commands):
                return await self._read_redis(commands)
            case Send(call, arguments):
                return await self.send(call, arguments)
            case RunScript(call, arguments):
                return await self._run_script(call, arguments)
            case Call(function, arguments):
                answer = function(*arguments)
                return await answer if inspect.isawaitable(answer) else answer
            case ReadPostgres():
                return await self._read_postgres(effect)
            case RunTogether():
                return await self._run_together(effect)
            case ReadCold(rows):
                from afterturn.cold import reading

                return await asyncio.to_thread(reading.read_texts, self._settings.cold_url, rows)
            case GetEmbedder():
                return self._connections.question_embedder
            case Embed(embedder, user, question):
                # An embedder computes or makes an HTTP call. Both would block the event loop.
                return await asyncio.to_thread(embedder.embed, user, question)
            case EmbedTexts(embedder, texts):
                return await embedder.embed_async(texts)
            case AskProviders(providers):
                from afterturn.context.providers import read_lines_async

                return await asyncio.gather(*(read_lines_async(provider) for provider in providers))
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case _:
                raise TypeError(f"unknown effect: {effect!r}")

    async def _read_redis(self, commands: Sequence[Command]) -> list[Any]:
        try:
            if len(commands) == 1:
                client = self._connections.redis
                return [await client.execute_command(*commands[0])]  # type: ignore[no-untyped-call]
            try:
                return await self._read_together(commands, is_transaction=True)
            except OutOfMemoryError:
                return await self._read_together(commands, is_transaction=False)
        except RedisError as error:
            raise connections.make_error(error, self._settings) from error

    async def _read_together(self, commands: Sequence[Command], *, is_transaction: bool) -> list[Any]:
        """Read in one round trip. Redis at its maxmemory refuses every transaction, even one that only reads."""
        async with self._connections.redis.pipeline(transaction=is_transaction) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = await pipeline.execute()
            return answers

    async def _read_postgres(self, effect: ReadPostgres[Result]) -> Result:
        from afterturn.database import pool, steps

        postgres = await self._connections.postgres()
        try:
            async with pool.async_user_transaction(postgres, effect.user) as connection:
                return await steps.run_async(connection, effect.steps)
        except MemoryUnavailable as error:
            raise connections.explain_postgres(error, self._settings) from error.__cause__

    async def _run_together(self, effect: RunTogether) -> Answers:
        from afterturn.database import together

        postgres = await self._connections.postgres()
        try:
            return await together.run_together_async(postgres, effect.user, effect.statements)
        except MemoryUnavailable as error:
            raise connections.explain_postgres(error, self._settings) from error.__cause__
