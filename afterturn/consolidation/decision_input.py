"""Read the input of a batch's decisions: the facts for the rules, and those that the judge compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import attributes, judgement, judgements, rules, similar_facts, user_names
from afterturn.consolidation.decisions import Decision, KnownFact
from afterturn.consolidation.judgement import JudgeQuestion, ShownFact
from afterturn.consolidation.rules import UserNames
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import VersionConflict
from afterturn.extraction.verified_answer import VerifiedAnswer

_SQL = queries.load("facts")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionInput:
    """The part of a user's memory that one batch's decisions depend on."""

    #: The version of the memory. If it changes before the decisions are applied, they are void.
    version: int
    names: UserNames
    #: The number of all current facts.
    current_count: int
    #: The facts that the rules compare with the candidates.
    facts: Mapping[UUID, KnownFact]


def read_decision_input(connection: Connection, batch: Batch, answer: VerifiedAnswer) -> DecisionInput:
    """Read what the rules need. Raises VersionConflict if the user was forgotten."""
    contents = [candidate.content for candidate in answer.candidates]
    user = connection.execute(_SQL["user_version"], batch.key).fetchone()
    if user is None:
        raise VersionConflict("the user was forgotten while this batch was being consolidated")
    stated = {content.attribute for content in contents if content.attribute}
    rows = connection.execute(
        _SQL["comparable"],
        batch.key
        | {
            "attributes": sorted(set().union(*map(attributes.related_attributes, stated))),
            "single_valued": sorted({content.attribute or "" for content in contents if rules.has_one_value(content)}),
            "texts": [content.text.lower() for content in contents],
        },
    ).fetchall()
    return DecisionInput(
        version=user["version"],
        names=user_names.read_user_names(connection, batch.key, user["display_name"], answer.candidates),
        current_count=user["facts"],
        facts={row["fact_id"]: KnownFact(**row) for row in rows},
    )


def make_unclear_question(
    connection: Connection, batch: Batch, known: DecisionInput, decided: Sequence[Decision]
) -> tuple[JudgeQuestion, dict[UUID, KnownFact]] | None:
    """Return the question about what rules cannot decide, with the facts of `known` and of the question; None for none.

    Args:
        connection: reads further facts of the user.
        batch: the batch of the candidates.
        known: the input of the rules.
        decided: the rules' decisions.
    """
    unclear = [decision.candidate for decision in decided if decision.repeats is None]
    ended = {fact_id for decision in decided for fact_id in decision.supersedes}
    if not unclear or known.current_count <= len(ended):
        return None
    new = [ShownFact(candidate.fact_id, candidate.content.text, candidate.said_at) for candidate in unclear]
    asked_ids = judgements.read_question_facts(connection, batch, version=known.version)
    if asked_ids is None:
        similar = similar_facts.read_similar_facts(connection, batch.key, new, count=known.current_count)
    else:
        similar = similar_facts.read_facts(connection, batch.key, asked_ids)
    by_id = {fact.fact_id: fact for fact in similar if fact.fact_id not in ended}
    question = judgement.make_question(
        [ShownFact(fact.fact_id, fact.text, fact.said_at) for fact in by_id.values()], new
    )
    if question is None:
        return None
    return question, {**known.facts, **{shown.fact_id: by_id[shown.fact_id] for shown in question.known}}
