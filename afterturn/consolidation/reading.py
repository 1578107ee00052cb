"""Reading what a batch is decided on: the facts that rules compare it with, and those that a judge would be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import attributes, judgement, similar_facts, user_names
from afterturn.consolidation.decisions import Decision, KnownFact
from afterturn.consolidation.judgement import Question, Shown
from afterturn.consolidation.rules import UserNames
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import VersionConflict
from afterturn.extraction.outcome import Outcome

_SQL = queries.load("facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A user's memory, as far as one batch's decisions need it."""

    #: Its version: whoever changes the memory meanwhile makes the decisions void.
    version: int
    names: UserNames
    #: How many current facts there are.
    count: int
    facts: Mapping[UUID, KnownFact]


def read(connection: Connection, batch: Batch, outcome: Outcome) -> Known:
    """Return what the rules need. Raises VersionConflict when the user is not there any more."""
    candidates = [believed.candidate for believed in outcome.believed]
    user = connection.execute(_SQL["user_version"], batch.key).fetchone()
    if user is None:
        raise VersionConflict("the user was forgotten while this batch was being consolidated")
    named = {candidate.attribute for candidate in candidates if candidate.attribute}
    rows = connection.execute(
        _SQL["alike"],
        batch.key
        | {
            "attributes": sorted(set().union(*map(attributes.related_attributes, named))),
            "single_valued": sorted(filter(attributes.is_single_valued, named)),
            "texts": [candidate.text.lower() for candidate in candidates],
        },
    ).fetchall()
    return Known(
        version=user["version"],
        names=user_names.read_user_names(connection, batch.key, user["display_name"], outcome.believed),
        count=user["facts"],
        facts={row["fact_id"]: KnownFact(**row) for row in rows},
    )


def question(
    connection: Connection, batch: Batch, known: Known, decided: Sequence[Decision]
) -> tuple[Question, dict[UUID, KnownFact]] | None:
    """Return what rules cannot decide on, as one question, and the facts known or shown; None when nothing is unclear.

    Args:
        connection: reads what the user's memory holds beside `known`.
        batch: whose candidates they are.
        known: what the rules decided on.
        decided: what the rules decided.
    """
    unclear = [decision.believed for decision in decided if decision.repeats is None]
    ended = {fact_id for decision in decided for fact_id in decision.supersedes}
    if not unclear or known.count <= len(ended):
        return None
    new = [Shown(believed.fact_id, believed.candidate.text, believed.said_at) for believed in unclear]
    found = similar_facts.read_similar_facts(connection, batch.key, new, count=known.count)
    by_id = {fact.fact_id: fact for fact in found if fact.fact_id not in ended}
    asked = judgement.ask([Shown(fact.fact_id, fact.text, fact.said_at) for fact in by_id.values()], new)
    if asked is None:
        return None
    return asked, {**known.facts, **{shown.fact_id: by_id[shown.fact_id] for shown in asked.known}}
