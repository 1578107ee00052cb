"""The protocol of a store with data of users, for export, forget and scrub.

These commands use one list of stores (`afterturn.forgetting.stores`). A new store implements this protocol and is added
to that list; no other code changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from afterturn.scopes import SessionScope, UserScope

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import DictRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record of a user's data, as the export writes it."""

    #: Its kind in the counts of an export and of a receipt: "turns", "redis.pending".
    kind: str
    #: JSON values.
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """An unfinished erasure that this process carries out. Its row in Postgres is locked."""

    user: UserScope
    #: A hash of the user's ids: always the same, and it does not reveal the ids.
    owner_hash: str
    #: The fence. Postgres increments it each time a process takes an erasure, so a later erasure has a larger token.
    token: int
    #: The sessions of the user that Postgres or a store knows.
    sessions: frozenset[SessionScope]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMerge:
    """A merge of one user into another one of the same tenant. The rows of both users in Postgres are locked."""

    #: The user who vanishes.
    source: UserScope
    #: The user who gets everything.
    target: UserScope
    #: How many batches the target has had: the numbers of the source's batches come after it.
    batches_before: int
    #: Sessions of the source that get another id, because the target has one with the same id: {old: new}.
    sessions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubStep:
    """One step of a scrub, and its outcome."""

    name: str
    is_done: bool
    #: What was done, or why it could not be.
    detail: str


class UserStore(Protocol):
    """A store with data of users.

    An erasure calls `sessions` and `clear` of each store in the order of the list, then `complete` in reverse order. A
    process may die between two calls, and another process then starts from the beginning. So each call must be
    repeatable, also when no data is left. If the server of a store does not answer, the store raises MemoryUnavailable
    or the error of its driver; the erasure stays unfinished and is tried again.

    A process may also pause for longer than its locks last. So a store outside the transaction of `complete` removes
    nothing for an erasure whose token is not larger than that of the last completed erasure. It raises
    TransitionRefused instead.
    """

    @property
    def name(self) -> str:
        """The store's name, unique in the list."""
        ...

    @property
    def remains(self) -> Mapping[str, str]:
        """Where deleted data is still on disk -> until when."""
        ...

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield all data of the user in this store."""
        ...

    def sessions(self, user: UserScope) -> set[SessionScope]:
        """Return the sessions of the user that this store knows. It may take long, because no lock is held."""
        return set()

    def clear(self, erasure: Erasure) -> Counter[str]:
        """Remove what can be removed while workers still process the user's data. Return the counts by kind."""
        return Counter()

    def complete(self, erasure: Erasure, connection: psycopg.Connection[DictRow]) -> Counter[str]:
        """Remove the remaining data, and return the counts by kind. It must be quick: the user's row is locked.

        Args:
            erasure: the erasure to complete.
            connection: in the transaction that completes the erasure. A failure rolls it back.
        """
        ...

    def move(self, merge: UserMerge, connection: psycopg.Connection[DictRow]) -> Counter[str]:
        """Give all data of one user to another one, and return the counts by kind. It must be repeatable.

        A store outside the transaction gives what it has under other names, or does nothing if a later step finds it.

        Args:
            merge: who becomes part of whom, and the new ids of sessions.
            connection: in the transaction of the merge. A failure rolls it back.
        """
        return Counter()

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """Remove deleted data from disk, and yield each step with its outcome.

        Args:
            rewrite: be more thorough, even if that locks the store.
        """
        ...
