"""The two pools of workers: their queues, and how they run tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PoolName = Literal["fast", "slow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """One kind of worker."""

    queues: tuple[str, ...]
    #: Celery's name for how tasks run: processes (prefork), or threads.
    kind: Literal["prefork", "threads"]


POOLS: dict[PoolName, Pool] = {
    # Short transactions. They never wait for an LLM.
    "fast": Pool(queues=("sweep", "archive", "consolidate"), kind="prefork"),
    # Calls to the LLM and the embedder, in threads that mostly wait. Erasures too: a large one takes its time.
    "slow": Pool(
        queues=("extract", "embed", "judge", "summarize", "sleep", "index", "vectors", "cold", "merge", "erase"),
        kind="threads",
    ),
}
