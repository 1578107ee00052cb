"""Connections to Postgres that one test after the other uses, as tasks of a worker do: a new one plans all anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeAlias

from psycopg_pool import ConnectionPool

from afterturn.database.pool import Connection
from harness.pipeline import Pipeline

#: What a pool and its connections depend on.
_SETTINGS = ("postgres_url", "postgres_timeout_seconds", "lease_seconds", "slow_concurrency")

Pool: TypeAlias = ConnectionPool[Connection]


class WorkerPools:
    """The pools of a process, by their settings. `close` them at the end."""

    def __init__(self) -> None:
        self._pools: dict[tuple[object, ...], Pool] = {}

    @contextmanager
    def lend(self, pipeline: Pipeline) -> Iterator[None]:
        """Let a pipeline use a pool in the block. Connections that it does not give back are closed with their pool."""
        key = tuple(getattr(pipeline.settings, name) for name in _SETTINGS)
        opened = pipeline.runtime.__dict__
        if key in self._pools:
            opened["postgres"] = self._pools.pop(key)
        yield
        pool: Pool | None = opened.get("postgres")
        if pool is not None and not pool.closed and _is_whole(pool):
            self._pools[key] = opened.pop("postgres")

    def close(self) -> None:
        """Close the pools."""
        for pool in self._pools.values():
            pool.close()


def _is_whole(pool: Pool) -> bool:
    """Return whether nobody uses a connection of the pool, or waits for one."""
    stats = pool.get_stats()
    return stats["pool_available"] == stats["pool_size"] and not stats.get("requests_waiting", 0)
