"""Reading a user's whole memory, and tidying it in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.consolidation import merging, naming
from afterturn.consolidation.rules import Names
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import VersionConflict
from afterturn.scopes import UserScope
from afterturn.sleep.tidying import RECURRING_IMPORTANCE, HeldFact, Tidying
from afterturn.summaries import profile

_SQL = queries.load("sleep")


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeMemory:
    """A user's current facts, as of one version."""

    version: int
    #: Up to which recorded_at its facts were put to the judge before.
    slept_through: datetime | None
    names: Names
    #: In the order in which they were recorded.
    facts: Sequence[HeldFact]


def read(connection: Connection, scope: UserScope) -> WholeMemory | None:
    """Return the memory; None where it did not change since it was last consolidated, or nobody is there."""
    user = connection.execute(_SQL["user"], scope.key).fetchone()
    if user is None or user["version"] == user["slept_version"]:
        return None
    rows = connection.execute(_SQL["facts"], scope.key).fetchall()
    return WholeMemory(
        version=user["version"],
        slept_through=user["slept_through"],
        names=naming.known(connection, scope.key, user["display_name"]),
        facts=[HeldFact(**row) for row in rows],
    )


def write(
    connection: Connection,
    scope: UserScope,
    memory: WholeMemory,
    tidying: Tidying,
    *,
    judged_through: datetime | None,
    is_finished: bool,
    profile_tokens: int,
) -> None:
    """Write a tidying down, in the caller's transaction. Raises VersionConflict when the memory changed meanwhile.

    Args:
        connection: in the transaction that ends the work.
        scope: whose memory.
        memory: what the tidying was planned on.
        tidying: what to do.
        judged_through: up to which recorded_at its facts have been put to the judge.
        is_finished: whether that is all of them; the rest is for the next time.
        profile_tokens: how long the profile may be.
    """
    owner = scope.key
    slept = {"version": memory.version, "changes": int(bool(tidying)), "slept_through": judged_through}
    if connection.execute(_SQL["slept"], owner | slept | {"is_finished": is_finished}).fetchone() is None:
        raise VersionConflict()
    for change in tidying.changes:
        taken = owner | {
            "fact_id": change.fact_id,
            "superseded_by": change.superseded_by,
            "because": change.because,
        }
        if change.superseded_by is not None and change.because == "merged":
            merging.take_over(connection, scope, change.fact_id, by=change.superseded_by)
        connection.execute(_SQL["end"], taken)
    if tidying.promoted:
        promoted = {"fact_ids": list(tidying.promoted), "importance": RECURRING_IMPORTANCE}
        connection.execute(_SQL["promote"], owner | promoted)
    if tidying:
        profile.rebuild_profile(connection, scope, limit_tokens=profile_tokens)
