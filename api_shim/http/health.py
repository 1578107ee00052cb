"""GET /healthz: whether turns can be written and read, and whether workers process them."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from redis.exceptions import NoPermissionError, RedisError

from afterturn.client import connections
from afterturn.client.connections import AsyncConnections
from afterturn.database import pool
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import BreakerState
from afterturn.errors import MemoryUnavailable
from afterturn.hot import commands, heartbeats, memory
from afterturn.hot.commands import RedisSteps
from afterturn.hot.heartbeats import Heartbeats
from afterturn.hot.memory import Memory
from afterturn.pipeline.enqueue import STAGES
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.http.routes import StrictRoute
from api_shim.http.schemas import Health

router = APIRouter(route_class=StrictRoute)


@router.get(
    "/healthz",
    operation_id="check_health",
    summary="Check Redis, Postgres and the workers",
    responses={503: {"model": Health, "description": "Redis takes no writes."}},
)
async def health(request: Request, response: Response) -> Health:
    """Check the servers and the workers. The status is 503 if Redis cannot be written to; otherwise it is 200."""
    settings: Settings = request.app.state.settings
    server_connections = connections.get_async_connections(settings)
    hot = await _ask_redis(server_connections)
    postgres_answers = await _postgres_answers(server_connections, settings)
    if hot is None or not hot.is_writable:
        response.status_code = 503
    missing = list(STAGES) if hot is None else list(hot.heartbeats.stages_without_workers(STAGES))
    is_sweeping = hot is not None and hot.heartbeats.is_sweeping(settings.sweep_seconds)
    endpoints: dict[str, str] = {} if hot is None else {name: found.state for name, found in hot.breakers.items()}
    is_well = hot is not None and hot.is_writable and not hot.is_alarming and postgres_answers
    return Health(
        status="ok" if is_well and is_sweeping and not missing and "open" not in endpoints.values() else "degraded",
        redis=hot is not None and hot.is_writable,
        postgres=postgres_answers,
        sweep_seconds=None if hot is None else hot.heartbeats.sweep_seconds,
        stages_without_workers=missing,
        endpoints=endpoints,
        memory_share=hot.memory.share if hot and hot.memory else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hot:
    """The answers of Redis."""

    heartbeats: Heartbeats
    breakers: dict[str, BreakerState]
    #: None if Redis's user may not run INFO.
    memory: Memory | None
    #: False if Redis answers, but is a replica or full.
    is_writable: bool

    @property
    def is_alarming(self) -> bool:
        return self.memory is not None and self.memory.is_alarming


async def _ask_redis(server_connections: AsyncConnections) -> _Hot | None:
    """Return None if Redis does not answer, or cannot write to its disk: then it refuses PING too."""
    client = server_connections.redis
    try:
        await client.ping()
        found = await commands.run_async(client, heartbeats.read_heartbeats())
        breakers = await commands.run_async(client, breaker.read_states())
        try:
            role, used = await commands.run_async(client, _read_role_and_memory())
        except NoPermissionError:
            return _Hot(heartbeats=found, breakers=breakers, memory=None, is_writable=True)
    except RedisError:
        return None
    return _Hot(
        heartbeats=found, breakers=breakers, memory=used, is_writable=role == "master" and (used.share or 0.0) < 1.0
    )


def _read_role_and_memory() -> RedisSteps[tuple[str, Memory]]:
    [replication] = yield [("INFO", "replication")]
    used = yield from memory.read_memory()
    return replication["role"], used


async def _postgres_answers(server_connections: AsyncConnections, settings: Settings) -> bool:
    try:
        async with pool.async_user_transaction(
            await server_connections.postgres(), UserScope(settings.tenant, "health")
        ) as connection:
            await connection.execute("SELECT 1")
    except MemoryUnavailable:
        return False
    return True
