"""The pending turns in Redis: the number of their sessions, their age and their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from afterturn.hot import keys, pending
from afterturn.hot.commands import RedisSteps


@dataclass(frozen=True, slots=True, kw_only=True)
class HotBacklog:
    """Pending turns, read from the due indexes and the byte counters."""

    #: Sessions that have pending turns.
    sessions: int
    #: The age of the oldest pending turn by Redis's clock; None if there is none.
    oldest_seconds: float | None
    #: Payload bytes of all shards.
    bytes: int
    largest_shard_bytes: int
    limit_bytes_per_shard: int

    @property
    def is_alarming(self) -> bool:
        """Whether the bytes of a shard exceed WARNING_FRACTION of the limit at which writes are refused."""
        return self.largest_shard_bytes > self.limit_bytes_per_shard * pending.WARNING_FRACTION


def read_hot_backlog(
    tenant_id: str | None, user_id: str | None = None, *, limit_bytes_per_shard: int
) -> RedisSteps[HotBacklog]:
    """Return the pending turns of all sessions, or of one tenant or one user.

    Bytes are always those of whole shards.
    """
    shards: Sequence[int] = range(keys.SHARD_COUNT)
    if tenant_id is not None and user_id is not None:
        shards = [keys.shard_of(tenant_id, user_id)]
    (seconds, microseconds), *found = yield [("TIME",), *(("GET", keys.pending_bytes(shard)) for shard in shards)]
    sizes = [int(size or 0) for size in found]
    if tenant_id is None:
        count, oldest = yield from _read_due(shards)
    else:
        count, oldest = yield from _search_due(shards, tenant_id, user_id)
    now = seconds + microseconds / 1_000_000
    return HotBacklog(
        sessions=count,
        oldest_seconds=None if oldest is None else max(0.0, now - oldest / 1000),
        bytes=sum(sizes),
        largest_shard_bytes=max(sizes),
        limit_bytes_per_shard=limit_bytes_per_shard,
    )


def _read_due(shards: Sequence[int]) -> RedisSteps[tuple[int, float | None]]:
    """Return the number of due sessions, and the oldest score."""
    counts = yield [("ZCARD", keys.due(shard)) for shard in shards]
    firsts = yield [("ZRANGE", keys.due(shard), 0, 0, "WITHSCORES") for shard in shards]
    return sum(counts), min((float(first[1]) for first in firsts if first), default=None)


def _search_due(shards: Sequence[int], tenant_id: str, user_id: str | None) -> RedisSteps[tuple[int, float | None]]:
    """Return the same for one tenant or user. It scans the whole indexes."""
    # Encoded ids contain no special character of a pattern.
    owner = ":".join(quote(part, safe="") for part in (tenant_id, user_id) if part is not None)
    scores: dict[bytes, float] = {}
    cursors = dict.fromkeys(shards, 0)
    while cursors:
        pages = yield [
            ("ZSCAN", keys.due(shard), cursor, "MATCH", f"{owner}:*", "COUNT", 1_000)
            for shard, cursor in cursors.items()
        ]
        for shard, (cursor, rows) in zip(list(cursors), pages, strict=True):
            scores.update(rows)
            cursors[shard] = cursor
        cursors = {shard: cursor for shard, cursor in cursors.items() if cursor}
    return len(scores), min(scores.values(), default=None)
