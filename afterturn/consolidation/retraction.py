"""Retracting: facts that rest on nothing any more, and who takes the places that they leave.

What a retracted fact had superseded goes to the next one up the chain: A <- B <- C without B is A <- C. Where there is
none, the newest of what is left is current again, as a new version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.consolidation import naming, user_timezone
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.extraction.verification import normalise
from afterturn.scopes import SessionScope, UserScope

_SQL = queries.load("removal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A superseded fact whose superseder has lost its place to it."""

    fact_id: UUID
    #: The fact that had taken its place.
    superseded_by: UUID
    subject: str | None
    attribute: str | None
    said_at: datetime
    #: Whether it says itself that it is over: it then competes with nothing.
    is_over: bool
    #: The next one up the chain that stands, where there is one.
    heir_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """A current fact that may give the same attribute a value."""

    fact_id: UUID
    subject: str | None
    attribute: str | None
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """Who is current from now on, and whose place that one takes."""

    #: A current fact; or an orphan, to be reinstated.
    winner: Orphan | UUID
    #: Superseded by it from now on.
    losers: tuple[UUID, ...]


def retract(connection: Connection, session: SessionScope, position: int) -> None:
    """Retract what rests on a removed turn alone, and settle what that leaves, in the caller's transaction.

    Facts with other evidence stand; how often and when they were said is counted anew.
    """
    user = session.user
    turn = user.key | {"session_id": session.session_id, "position": position}
    retracted = [row["fact_id"] for row in connection.execute(_SQL["retract"], turn).fetchall()]
    weakened = [row["fact_id"] for row in connection.execute(_SQL["weaken"], turn).fetchall()]
    items.delete_fact_vectors(connection, user, retracted)
    for succession in _successions(connection, user, [*retracted, *weakened]):
        _carry_out(connection, user, succession)
    naming.restore(connection, user.key, retracted)
    user_timezone.keep(connection, user.key)


def succeed(orphans: Iterable[Orphan], rivals: Sequence[Rival]) -> list[Succession]:
    """Decide who takes the places: the heir, else the newest of what says the value of one attribute."""
    found = []
    contests: dict[tuple[str, str], list[Orphan]] = defaultdict(list)
    for orphan in orphans:
        if orphan.heir_id is not None:
            found.append(Succession(winner=orphan.heir_id, losers=(orphan.fact_id,)))
        elif orphan.is_over or orphan.subject is None or orphan.attribute is None:
            found.append(Succession(winner=orphan, losers=()))
        else:
            contests[normalise(orphan.subject), orphan.attribute].append(orphan)
    for contested, claimants in contests.items():
        alike = [rival for rival in rivals if (normalise(rival.subject or ""), rival.attribute) == contested]
        found.append(_contest(claimants, alike))
    return found


def _contest(claimants: Sequence[Orphan], rivals: Sequence[Rival]) -> Succession:
    newest = max(claimants, key=lambda claimant: claimant.said_at)
    winner = max(rivals, key=lambda rival: rival.said_at, default=None)
    if winner is not None and winner.said_at >= newest.said_at:
        return Succession(winner=winner.fact_id, losers=tuple(claimant.fact_id for claimant in claimants))
    others = [claimant.fact_id for claimant in claimants if claimant is not newest]
    return Succession(winner=newest, losers=(*others, *(rival.fact_id for rival in rivals)))


def _successions(connection: Connection, user: UserScope, superseders: list[UUID]) -> list[Succession]:
    rows = connection.execute(_SQL["orphans"], user.key | {"superseders": superseders}).fetchall()
    orphans = [Orphan(**row) for row in rows]
    attributes = sorted({orphan.attribute for orphan in orphans if orphan.attribute is not None})
    rows = connection.execute(_SQL["rivals"], user.key | {"attributes": attributes}).fetchall()
    return succeed(orphans, [Rival(**row) for row in rows])


def _carry_out(connection: Connection, user: UserScope, succession: Succession) -> None:
    winner = succession.winner
    winner_id = _reinstate(connection, user, winner) if isinstance(winner, Orphan) else winner
    if succession.losers:
        losers = {"superseded_by": winner_id, "fact_ids": list(succession.losers)}
        connection.execute(_SQL["relink"], user.key | losers)


def _reinstate(connection: Connection, user: UserScope, orphan: Orphan) -> UUID:
    """Make a new version of a superseded fact, which is current, and return its id."""
    new_id = ids.derive_version_id(orphan.fact_id, orphan.superseded_by)
    versions = user.key | {"fact_id": orphan.fact_id, "new_id": new_id}
    for step in ("reinstate", "copy_evidence", "copy_vectors", "hand_over"):
        connection.execute(_SQL[step], versions)
    return new_id
