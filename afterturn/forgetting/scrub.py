"""Scrub: ends what physically remains of removed things in every store: dead tuples, write-ahead log, AOF.

Each step says what it did, or why it could not. Backups, replicas' own files and the blocks that a file system has
freed are beyond it: docs/how-to/forgetting.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn.user_store import ScrubStep, UserStore


def steps(stores: Sequence[UserStore], *, rewrite: bool = False) -> Iterator[ScrubStep]:
    """Scrub these stores one after the other, and yield each step with its outcome.

    Args:
        stores: `stores.every`.
        rewrite: thoroughly, even if that locks a store's tables meanwhile.

    Raises MemoryUnavailable when a store's server does not answer.
    """
    for store in stores:
        yield from store.scrub(rewrite=rewrite)
