"""The protocol of a store that holds things of users: what an export reads, an erasure removes and a scrub cleans.

Export, forget and scrub go over one list of such stores (`afterturn.forgetting.stores`). A new store implements this
protocol and is added to that list; nothing else has to know it.
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
    """One thing that a store has of a user, as the export writes it."""

    #: What it is counted as, in an export and in a receipt: "turns", "redis.pending".
    kind: str
    #: JSON values.
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A user's unfinished erasure, taken by this process: its row in Postgres is locked."""

    user: UserScope
    #: Stands for the user: the same every time, and names nobody.
    owner_hash: str
    #: The fence: minted by Postgres, larger with every taking. Of two erasures of a user the later one has the larger.
    token: int
    #: The user's sessions, as far as Postgres and the stores know them.
    sessions: frozenset[SessionScope]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubStep:
    """One thing that a scrub tried."""

    name: str
    is_done: bool
    #: What was done, or why it could not be.
    detail: str


class UserStore(Protocol):
    """A store that holds things of users.

    An erasure calls `sessions` and `clear` of each store in the list's order, then `complete` in the reverse order. A
    process may die between any two of these, and another one begins again: each may be repeated at any time, also when
    nothing is left. A store whose server does not answer raises MemoryUnavailable or its driver's error: the erasure
    stays unfinished, and is tried again.

    A process may also sleep in the middle, for longer than its locks last. So a store that is not in the transaction of
    `complete` removes nothing for an erasure whose token is not larger than that of the last one completed, and raises
    TransitionRefused instead.
    """

    @property
    def name(self) -> str:
        """The store's name, unique in the list."""
        ...

    @property
    def remains(self) -> Mapping[str, str]:
        """What of a removed thing is physically left -> until when."""
        ...

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield everything that the store has of the user."""
        ...

    def sessions(self, user: UserScope) -> set[SessionScope]:
        """Return the user's sessions that the store knows and Postgres may not. May take long: no lock is held."""
        return set()

    def clear(self, erasure: Erasure) -> Counter[str]:
        """Remove what can be removed while the user's work goes on, and return how much of each kind."""
        return Counter()

    def complete(self, erasure: Erasure, connection: psycopg.Connection[DictRow]) -> Counter[str]:
        """Remove everything that is left, and return how much of each kind. The user's row is locked: be quick.

        Args:
            erasure: what is carried out.
            connection: in the transaction that completes the erasure. What is done in it is undone when it fails.
        """
        ...

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """End what physically remains of removed things, and yield each step with its outcome.

        Args:
            rewrite: thoroughly, even if that locks the store meanwhile.
        """
        ...
