"""The settings of the running workers, as digests in Redis: workers of one kind that differ do different work.

A worker that has other categories, another model or no key gives other facts, depending on who takes a batch. Each
worker records what it has; `afterturn status` names what differs. Values are not recorded: some are secrets.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import redis

from afterturn.hot import keys
from afterturn.hot.commands import RedisSteps
from afterturn.hot.heartbeats import WorkerHeartbeat
from afterturn.settings import PREFIX, Settings

#: How long the settings of an ended worker stay.
KEPT_SECONDS = 24 * 3600
#: What may differ between hosts: addresses, sizes of pools, what only other processes read.
_MAY_DIFFER = frozenset(
    {
        *("redis_url", "broker_url", "postgres_url", "redis_timeout_seconds", "postgres_timeout_seconds", "data_dir"),
        *("slow_concurrency", "slow_processes", "fast_concurrency", "import_window", "tenant", "sweep_seconds"),
        *("embedding_model_path", "embedding_other_models", "freshness_objective_seconds"),
        *("prompt_price_per_million", "completion_price_per_million"),
        *("api_host", "api_port", "api_key", "api_allowed_hosts", "api_body_limit_bytes"),
        *("api_requests_per_minute", "jwt_issuer", "jwt_audience", "jwt_jwks_url"),
        *("jwt_tenant_claim", "jwt_user_claim", "jwt_rights_claim"),
        *("flower_host", "flower_port", "flower_basic_auth"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferentSetting:
    """A setting that workers of one kind do not agree on."""

    #: Such as AFTERTURN_CATEGORIES.
    name: str
    #: The workers that have the same value, for each value; the most frequent first.
    groups: tuple[tuple[str, ...], ...]

    def describe(self) -> str:
        return f"{self.name} differs between workers: {' / '.join(', '.join(group) for group in self.groups)}"


def record(client: redis.Redis, node: str, settings: Settings) -> None:
    """Record the settings of a worker. Raises RedisError."""
    client.hset(keys.WORKER_SETTINGS, node, json.dumps(_digests(settings)))
    client.expire(keys.WORKER_SETTINGS, KEPT_SECONDS)


def remove(client: redis.Redis, node: str) -> None:
    """Remove the settings of a worker that has ended. Raises RedisError."""
    client.hdel(keys.WORKER_SETTINGS, node)


def read_differences(workers: Sequence[WorkerHeartbeat]) -> RedisSteps[list[DifferentSetting]]:
    """Return the settings that running workers of the same stages do not agree on."""
    running: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for worker in workers:
        if not worker.is_stale:
            running[worker.stages].append(worker.node)
    several = [sorted(nodes) for nodes in running.values() if len(nodes) > 1]
    if not several:
        return []
    answers = yield [("HMGET", keys.WORKER_SETTINGS, *nodes) for nodes in several]
    found = []
    for nodes, rows in zip(several, cast(list[list[bytes | None]], answers), strict=True):
        found += _compare({node: json.loads(row) for node, row in zip(nodes, rows, strict=True) if row})
    return found


def _compare(digests: Mapping[str, Mapping[str, str]]) -> list[DifferentSetting]:
    differences = []
    # A worker of another release may not have all: only what each has is compared.
    shared = set.intersection(*(set(own) for own in digests.values())) if digests else set()
    for name in sorted(shared):
        groups: dict[str, list[str]] = defaultdict(list)
        for node, own in digests.items():
            groups[own[name]].append(node)
        if len(groups) > 1:
            ordered = sorted(groups.values(), key=lambda nodes: (-len(nodes), nodes))
            differences.append(DifferentSetting(name=PREFIX + name.upper(), groups=tuple(map(tuple, ordered))))
    return differences


def _digests(settings: Settings) -> dict[str, str]:
    """Return a short digest of each setting that workers should agree on."""
    values = settings.model_dump(mode="python", exclude=set(_MAY_DIFFER))
    # A key may be another one on each host, but one of them without any works offline.
    for name in ("llm_api_key", "embedding_api_key"):
        values[name] = values[name] is not None
    return {name: hashlib.blake2b(repr(value).encode(), digest_size=8).hexdigest() for name, value in values.items()}
