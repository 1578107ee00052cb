"""The store of users' data in the object store: erasures delete its objects, scrub deletes objects that nothing names.

An export contains the texts with the rows of the turns (`user_tables`), so that it is the same before and after a move.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from afterturn.cold import deletions
from afterturn.cold.object_store import ColdStore, open_store
from afterturn.database import pool, queries
from afterturn.database.pool import Connection
from afterturn.errors import ColdUnavailable, TransitionRefused
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from afterturn.user_store import Erasure, Record, ScrubStep, UserStore

_SQL = queries.load("cold")


class ColdObjects(UserStore):
    """The data of users in the cold archive."""

    name = "cold"
    remains: Mapping[str, str] = {
        "Cold archive": "no longer; versions and soft deletes of a bucket, as long as its rules keep them"
    }

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield nothing: the rows of turns are exported with their texts."""
        yield from ()

    def clear(self, erasure: Erasure) -> Counter[str]:
        """Delete the user's objects. Raises ColdUnavailable."""
        with pool.worker_connection(self._settings) as connection:
            return Counter(cold_files=self._delete(erasure, connection))

    def complete(self, erasure: Erasure, connection: Connection) -> Counter[str]:
        """Delete what was written meanwhile. What a process may still be writing is deleted again later."""
        arguments = {"prefix": f"{erasure.owner_hash}/"}
        connection.execute(_SQL["order_deletions_of_user"], erasure.user.key | arguments)
        return Counter(cold_files=self._delete(erasure, connection))

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """Delete objects that no row names. Raises MemoryUnavailable."""
        url = self._settings.cold_url
        if url is None:
            return
        with pool.worker_connection(self._settings) as connection:
            try:
                count = deletions.carry_out(connection, url, is_forced=True)
                count += _delete_unnamed(connection, open_store(url))
            except ColdUnavailable as error:
                yield ScrubStep(name="cold archive, objects that nothing names", is_done=False, detail=str(error))
                return
        yield ScrubStep(
            name="cold archive, objects that nothing names", is_done=True, detail=f"{count} objects deleted"
        )

    def _delete(self, erasure: Erasure, connection: Connection) -> int:
        """Delete the user's objects, and return how many there were. A user without any needs no store."""
        prefix = f"{erasure.owner_hash}/"
        row = connection.execute(_SQL["has_objects"], erasure.user.key | {"prefix": prefix}).fetchone()
        if row is None or not row["has_objects"]:
            return 0
        if self._settings.cold_url is None:
            raise ColdUnavailable("AFTERTURN_COLD_URL is not set, and the user has objects in the cold archive")
        store = deletions.open_for_writing(connection, self._settings.cold_url)
        owner = erasure.user.key
        keys = set(store.list(erasure.owner_hash))
        keys |= {row["key"] for row in connection.execute(_SQL["keys_of_user"], owner).fetchall()}
        others = connection.execute(_SQL["keys_of_others"], owner | {"keys": list(keys)}).fetchall()
        keys -= {row["key"] for row in others}
        # Objects that were listed while the erasure was open belong to it. A process that was paused for so long that
        # the user registered again finds no open one here.
        if connection.execute(_SQL["is_being_erased"], {"owner_hash": erasure.owner_hash}).fetchone() is None:
            raise TransitionRefused("another process has completed the erasure")
        for key in keys:
            store.delete(key)
        return len(keys)


def _delete_unnamed(connection: Connection, store: ColdStore) -> int:
    """Delete objects that no row names. A row is written before its object, so the objects are listed first."""
    keys = [key for key in store.list() if key.endswith(".jsonl.gz")]
    named = {row["key"] for row in connection.execute(_SQL["named_keys"], {"keys": keys}).fetchall()}
    unnamed = [key for key in keys if key not in named]
    for key in unnamed:
        store.delete(key)
    return len(unnamed)
