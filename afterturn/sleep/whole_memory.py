"""Read all current facts of a user, and write the result of tidying in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn.consolidation import contradictions, fading, merging, user_names
from afterturn.consolidation.rules import UserNames
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import VersionConflict
from afterturn.scopes import UserScope
from afterturn.sleep.tidying import RECURRING_IMPORTANCE, CurrentFact, EndedFact, TidyingPlan
from afterturn.summaries import profile

_SQL = queries.load("sleep")


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeMemory:
    """All current facts of a user, at one version of the memory."""

    version: int
    #: When it was read, by the database's clock.
    read_at: datetime
    #: Facts recorded up to this time were compared by the judge in earlier runs.
    slept_through: datetime | None
    names: UserNames
    #: In the order in which they were recorded.
    facts: Sequence[CurrentFact]
    #: Facts of an earlier release, which stored no lives.
    without_life: Sequence[UUID] = ()


def read_whole_memory(connection: Connection, scope: UserScope) -> WholeMemory | None:
    """Return a user's memory; None if it has not changed since the last run, or the user does not exist."""
    user = connection.execute(_SQL["user_state"], scope.key).fetchone()
    if user is None or user["version"] == user["slept_version"]:
        return None
    rows = connection.execute(_SQL["current_facts"], scope.key).fetchall()
    return WholeMemory(
        version=user["version"],
        read_at=user["now"],
        slept_through=user["slept_through"],
        names=user_names.read_user_names(connection, scope.key, user["display_name"]),
        facts=[CurrentFact(**row) for row in rows],
        without_life=[row["fact_id"] for row in rows if row["life"] is None],
    )


def write_tidying(
    connection: Connection,
    scope: UserScope,
    memory: WholeMemory,
    plan: TidyingPlan,
    *,
    judged_through: datetime | None,
    is_finished: bool,
    profile_tokens: int,
) -> None:
    """Write a tidying plan, in the caller's transaction.

    Args:
        connection: in the transaction that releases the lease.
        scope: whose memory.
        memory: the memory that the plan was made for.
        plan: what to change.
        judged_through: the judge has compared all facts recorded up to this time.
        is_finished: whether these are all facts. Otherwise the next run continues.
        profile_tokens: the longest profile.

    Raises VersionConflict when the memory has changed since it was read.
    """
    owner = scope.key
    state = {"version": memory.version, "changes": int(bool(plan)), "slept_through": judged_through}
    if connection.execute(_SQL["mark_slept"], owner | state | {"is_finished": is_finished}).fetchone() is None:
        raise VersionConflict()
    connection.execute(_SQL["forget_compared"], owner | {"slept_through": judged_through})
    for united, new_id in plan.united:
        merging.unite_facts(connection, scope, united, new_id=new_id)
    fading.update_lives(connection, scope, memory.without_life)
    for ended in plan.ended_facts:
        _end_fact(connection, scope, ended)
    for fact_id, other_id in plan.contradictions:
        contradictions.link_facts(connection, scope, fact_id, [other_id])
    if plan.promoted_ids:
        promotion = {"fact_ids": list(plan.promoted_ids), "importance": RECURRING_IMPORTANCE}
        connection.execute(_SQL["promote"], owner | promotion)
    if plan:
        profile.rebuild_profile(connection, scope, limit_tokens=profile_tokens)


def _end_fact(connection: Connection, scope: UserScope, ended: EndedFact) -> None:
    if ended.superseded_by is not None and ended.reason == "merged":
        merging.merge_fact(connection, scope, ended.fact_id, into=ended.superseded_by)
    if ended.superseded_by is not None and ended.reason == "refined":
        merging.refine_fact(connection, scope, ended.fact_id, by=ended.superseded_by)
    arguments = {"fact_id": ended.fact_id, "superseded_by": ended.superseded_by, "because": ended.reason}
    connection.execute(_SQL["end_fact"], scope.key | arguments)
