"""What waits in Redis for the archive: how many sessions, for how long, and how much room it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote

import redis

from afterturn.hot import keys, pending


@dataclass(frozen=True, slots=True, kw_only=True)
class HotBacklog:
    """Pending turns, by what the due indexes and the byte counters say."""

    #: Sessions that have pending turns.
    sessions: int
    #: Since the oldest pending turn was acknowledged, by Redis's clock; None where there is none.
    oldest_seconds: float | None
    #: Payload bytes, all shards together.
    bytes: int
    largest_shard_bytes: int
    limit_bytes_per_shard: int

    @property
    def is_alarming(self) -> bool:
        """Whether a shard nears the limit past which writes are refused."""
        return self.largest_shard_bytes > self.limit_bytes_per_shard * pending.ALARM_FRACTION


def read(
    client: redis.Redis, tenant_id: str | None, user_id: str | None = None, *, limit_bytes_per_shard: int
) -> HotBacklog:
    """Return what is pending. With ids, of one tenant's or one user's sessions; bytes are always those of whole shards.

    Raises RedisError when the hot store is away.
    """
    shards = range(keys.SHARD_COUNT)
    if tenant_id is not None and user_id is not None:
        one = keys.shard_of(tenant_id, user_id)
        shards = range(one, one + 1)
    sizes = _sizes(client, shards)
    count, oldest = _due(client, shards) if tenant_id is None else _due_of(client, shards, tenant_id, user_id)
    return HotBacklog(
        sessions=count,
        oldest_seconds=None if oldest is None else max(0.0, _now_seconds(client) - oldest / 1000),
        bytes=sum(sizes),
        largest_shard_bytes=max(sizes),
        limit_bytes_per_shard=limit_bytes_per_shard,
    )


def _now_seconds(client: redis.Redis) -> float:
    seconds, microseconds = cast(tuple[int, int], client.time())
    return seconds + microseconds / 1_000_000


def _sizes(client: redis.Redis, shards: Iterable[int]) -> list[int]:
    # Not MGET: the shards of a cluster are on several nodes.
    with client.pipeline(transaction=False) as pipeline:
        for shard in shards:
            pipeline.get(keys.pending_bytes(shard))
        return [int(size or 0) for size in pipeline.execute()]


def _due(client: redis.Redis, shards: Iterable[int]) -> tuple[int, float | None]:
    """Return how many sessions are due, and the oldest score, in one round trip."""
    with client.pipeline(transaction=False) as pipeline:
        for shard in shards:
            pipeline.zcard(keys.due(shard))
            pipeline.zrange(keys.due(shard), 0, 0, withscores=True)
        replies = pipeline.execute()
    scores = [score for rows in replies[1::2] for _, score in rows]
    return sum(replies[0::2]), min(scores, default=None)


def _due_of(
    client: redis.Redis, shards: Iterable[int], tenant_id: str, user_id: str | None
) -> tuple[int, float | None]:
    """The same of one tenant or user, by searching the index: as long as the index is."""
    # Encoded ids hold no character that means something in a pattern.
    owner = ":".join(quote(part, safe="") for part in (tenant_id, user_id) if part is not None)
    scores = {
        name: score for shard in shards for name, score in client.zscan_iter(keys.due(shard), f"{owner}:*", count=1_000)
    }
    return len(scores), min(scores.values(), default=None)
