"""Scrub: remove deleted data from disk in every store: dead rows, write-ahead log, append-only file.

Each step reports what it did, or why it could not. It does not reach backups, the files of replicas, and blocks that
the file system has freed: docs/how-to/forgetting.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn.user_store import ScrubStep, UserStore


def scrub_stores(stores: Sequence[UserStore], *, rewrite: bool = False) -> Iterator[ScrubStep]:
    """Scrub these stores in order, and yield each step with its outcome.

    Args:
        stores: `stores.list_user_stores`.
        rewrite: rewrite the tables, which is more thorough but locks each table.

    Raises MemoryUnavailable when a store's server does not answer.
    """
    for store in stores:
        yield from store.scrub(rewrite=rewrite)
