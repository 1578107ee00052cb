"""The keys that this process has seen, so that a request needs no query.

A key is read again every few seconds (fresh_value.py): a revoked key is refused after FRESH_SECONDS at the latest.
While Postgres does not answer, a key that was good goes on working for OUTAGE_SECONDS: turns are written to Redis,
which needs no Postgres, and nobody can revoke a key meanwhile either.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool

from afterturn.access import api_key, key_text
from afterturn.access.caller import Caller
from afterturn.access.fresh_value import FreshValue
from afterturn.database import pool, queries
from afterturn.database.pool import AsyncConnection

#: Longer: a key that was revoked where this process does not reach the database works longer. Shorter: an outage of
#: Postgres stops writing.
OUTAGE_SECONDS = 600.0
FIRST_READS_AT_ONCE = 2
#: Good keys that are kept. One takes about 1 KB, and more if it names many users.
KEYS_LIMIT = 10_000

OpenPool: TypeAlias = Callable[[], Awaitable[AsyncConnectionPool[AsyncConnection]]]

_SQL = queries.load("api_keys")


@dataclass(frozen=True, slots=True, kw_only=True)
class _GoodKey:
    """A key that can be used."""

    caller: Caller
    #: By time.monotonic(), converted from the clock of the database; None: it does not end.
    ends_at: float | None


_Cached: TypeAlias = FreshValue[_GoodKey | None]


class KeyCache:
    """The good keys of one event loop."""

    def __init__(self, open_pool: OpenPool) -> None:
        """Args: open_pool: returns the pool with the reader's role."""
        self._open_pool = open_pool
        self._good: OrderedDict[bytes, _Cached] = OrderedDict()
        #: Keys that are read for the first time. Wrong ones never displace good ones.
        self._new: dict[bytes, _Cached] = {}
        #: Wrong keys take no more than this of the pool's connections.
        self._first_reads = asyncio.Semaphore(FIRST_READS_AT_ONCE)

    async def find(self, key: str) -> Caller | None:
        """Return the caller of a key; None if it is wrong, revoked or expired.

        Raises MemoryUnavailable if the key is not known here, or not lately, and Postgres does not answer.
        """
        digest = key_text.digest_of(key)
        cached = self._good.get(digest) or self._new.setdefault(
            digest, FreshValue(partial(self._read_row, digest), outage_seconds=OUTAGE_SECONDS)
        )
        try:
            found = await cached.get()
        finally:
            self._new.pop(digest, None)
        if found is None or (found.ends_at is not None and found.ends_at <= time.monotonic()):
            self._good.pop(digest, None)
            return None
        self._keep(digest, cached)
        return found.caller

    def close(self) -> None:
        """End the queries that are running."""
        for cached in (*self._good.values(), *self._new.values()):
            cached.close()

    def _keep(self, digest: bytes, cached: _Cached) -> None:
        self._good[digest] = cached
        self._good.move_to_end(digest)
        while len(self._good) > KEYS_LIMIT:
            self._good.popitem(last=False)[1].close()

    async def _read_row(self, digest: bytes) -> _GoodKey | None:
        if digest in self._good:
            return await self._read(digest)
        async with self._first_reads:
            return await self._read(digest)

    async def _read(self, digest: bytes) -> _GoodKey | None:
        began = time.monotonic()
        async with pool.async_tenantless_connection(await self._open_pool()) as connection:
            row = await (await connection.execute(_SQL["find"], {"digest": digest})).fetchone()
            if row is None or not api_key.can_be_used(row, digest):
                return None
            if row["is_touch_due"]:
                await _touch(connection, row)
        seconds: float | None = row["expires_in_seconds"]
        caller = Caller(
            principal=api_key.principal_of(row),
            kind="key",
            name=str(row["key_id"]),
            requests_per_minute=row["requests_per_minute"],
        )
        return _GoodKey(caller=caller, ends_at=None if seconds is None else began + seconds)


async def _touch(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Store that the key is used. A server that takes no writes does not keep the key from being used."""
    try:
        await connection.execute(_SQL["touch"], {"key_id": row["key_id"]})
    except psycopg.DatabaseError:
        return
