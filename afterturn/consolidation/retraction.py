"""Retraction: retract the facts whose evidence was removed, and decide which facts replace them.

A fact that a retracted fact had superseded is superseded by the next fact of the chain: A <- B <- C without B becomes
A <- C. If there is no next fact, the newest remaining one is reinstated: it becomes current again, as a new version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.consolidation import fading, rewording, rules, user_names, user_timezone
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items, missing_vectors
from afterturn.extraction.verification import normalise
from afterturn.scopes import SessionScope, UserScope
from afterturn.threads import thread_rows

_SQL = queries.load("removal")
_CONTRADICTIONS = queries.load("contradictions")


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachedFact:
    """A superseded fact whose superseding fact was retracted, or is no longer the later one of the two."""

    fact_id: UUID
    #: The fact that had superseded it.
    superseded_by: UUID
    subject: str | None
    attribute: str | None
    life: str | None
    said_at: datetime
    #: Whether the fact says that it has ended: it then competes with no other fact.
    is_over: bool
    #: Whether the superseding fact had taken its place, or was made of it: both may be true at the same time.
    is_part: bool = False
    #: The next fact of the chain that is not retracted; None where there is none.
    successor_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompetingFact:
    """A current fact that may give a value to the same attribute."""

    fact_id: UUID
    subject: str | None
    attribute: str | None
    life: str | None
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """A fact that is current from now on, and the facts that it supersedes."""

    #: The id of a fact that is current or superseded already, or a detached fact to reinstate.
    successor: DetachedFact | UUID
    superseded_ids: tuple[UUID, ...]


def retract_unsupported_facts(connection: Connection, session: SessionScope, position: int) -> None:
    """Retract the facts whose only evidence is a removed turn, and replace them, in the caller's transaction.

    Facts with other evidence stay. Their number of mentions and their times are computed again. If none of the other
    turns says a fact in its words, those of the other turns take its place (`rewording.py`).

    Args:
        connection: in the caller's transaction.
        session: the session of the removed turn.
        position: the position of the removed turn.
    """
    user = session.user
    turn = user.key | {"session_id": session.session_id, "position": position}
    united_by = {row["fact_id"]: row["superseded_by"] for row in connection.execute(_SQL["parts"], turn).fetchall()}
    retracted = [row["fact_id"] for row in connection.execute(_SQL["retract"], turn).fetchall()]
    unworded = [row["fact_id"] for row in connection.execute(_SQL["unworded"], turn).fetchall()]
    fallen = [*unworded, *_find_united([*retracted, *unworded], united_by)]
    reworded = rewording.add_wordings(connection, user, fallen)
    connection.execute(_SQL["retract_fallen"], user.key | {"fact_ids": fallen})
    retracted += fallen
    recounted = [
        row["fact_id"] for row in connection.execute(_SQL["recount"], turn | {"reworded": reworded}).fetchall()
    ]
    restored = connection.execute(_SQL["restore_own_values"], user.key | {"fact_ids": retracted}).fetchall()
    fading.update_lives(connection, user, [*recounted, *(row["fact_id"] for row in restored)])
    items.delete_fact_vectors(connection, user, retracted)
    thread_rows.remove_facts(connection, user, retracted)
    for replacement in _read_replacements(connection, user, [*retracted, *recounted]):
        _apply_replacement(connection, user, replacement)
    user_names.restore_display_name(connection, user.key, retracted)
    user_timezone.update_timezone(connection, user.key)


def _find_united(retracted: Iterable[UUID], united_by: Mapping[UUID, UUID]) -> list[UUID]:
    """Return the facts that have a retracted part, directly or in a part of theirs."""
    found: list[UUID] = []
    for fact_id in retracted:
        while (united_id := united_by.get(fact_id)) is not None:
            found.append(united_id)
            fact_id = united_id
    return found


def plan_replacements(detached: Iterable[DetachedFact], competing: Sequence[CompetingFact]) -> list[Replacement]:
    """Decide which facts are current now: the next fact of each chain, else the newest value of each attribute.

    Args:
        detached: the facts that lost their superseding fact.
        competing: the current facts with the same attributes.
    """
    replacements = []
    by_attribute: dict[tuple[str, str], list[DetachedFact]] = defaultdict(list)
    for fact in detached:
        if fact.successor_id is not None:
            replacements.append(Replacement(successor=fact.successor_id, superseded_ids=(fact.fact_id,)))
        elif (
            fact.is_over
            or fact.is_part
            or fact.subject is None
            or fact.attribute is None
            or not rules.has_one_value(fact)
        ):
            replacements.append(Replacement(successor=fact, superseded_ids=()))
        else:
            by_attribute[normalise(fact.subject), fact.attribute].append(fact)
    for key, facts in by_attribute.items():
        same_attribute = [
            other
            for other in competing
            if (normalise(other.subject or ""), other.attribute) == key and rules.has_one_value(other)
        ]
        replacements.append(_choose_newest(facts, same_attribute))
    return replacements


def _choose_newest(detached: Sequence[DetachedFact], competing: Sequence[CompetingFact]) -> Replacement:
    newest = max(detached, key=lambda fact: fact.said_at)
    current = max(competing, key=lambda fact: fact.said_at, default=None)
    if current is not None and current.said_at >= newest.said_at:
        return Replacement(successor=current.fact_id, superseded_ids=tuple(fact.fact_id for fact in detached))
    others = [fact.fact_id for fact in detached if fact is not newest]
    return Replacement(successor=newest, superseded_ids=(*others, *(fact.fact_id for fact in competing)))


def _read_replacements(connection: Connection, user: UserScope, superseder_ids: list[UUID]) -> list[Replacement]:
    rows = connection.execute(_SQL["detached_facts"], user.key | {"superseders": superseder_ids}).fetchall()
    detached = _without_reinstated(connection, user, [DetachedFact(**row) for row in rows])
    attributes = sorted({fact.attribute for fact in detached if fact.attribute is not None})
    rows = connection.execute(_SQL["competing_facts"], user.key | {"attributes": attributes}).fetchall()
    return plan_replacements(detached, [CompetingFact(**row) for row in rows])


def _without_reinstated(
    connection: Connection, user: UserScope, detached: Sequence[DetachedFact]
) -> list[DetachedFact]:
    """Return the facts that have no new version yet. An earlier removal may have reinstated some."""
    version_ids = [ids.derive_version_id(fact.fact_id, fact.superseded_by) for fact in detached]
    rows = connection.execute(_SQL["existing"], user.key | {"fact_ids": version_ids}).fetchall()
    existing = {row["fact_id"] for row in rows}
    return [fact for fact, version_id in zip(detached, version_ids, strict=True) if version_id not in existing]


def _apply_replacement(connection: Connection, user: UserScope, replacement: Replacement) -> None:
    successor = replacement.successor
    successor_id = _reinstate(connection, user, successor) if isinstance(successor, DetachedFact) else successor
    if replacement.superseded_ids:
        arguments = {"superseded_by": successor_id, "fact_ids": list(replacement.superseded_ids)}
        connection.execute(_SQL["relink"], user.key | arguments)


def _reinstate(connection: Connection, user: UserScope, fact: DetachedFact) -> UUID:
    """Insert a new version of a superseded fact, which is current, and return its id."""
    new_id = ids.derive_version_id(fact.fact_id, fact.superseded_by)
    versions = user.key | {"fact_id": fact.fact_id, "new_id": new_id}
    for step in ("reinstate", "copy_evidence", "copy_vectors", "move_superseded", "move_thread_steps"):
        connection.execute(_SQL[step], versions)
    missing_vectors.owe_version(connection, user, fact.fact_id, new_id=new_id)
    connection.execute(_CONTRADICTIONS["reopen"], versions)
    return new_id
