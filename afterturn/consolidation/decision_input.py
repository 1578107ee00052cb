"""Read the input of a batch's decisions: the facts for the rules, and those that the judge compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import attributes, judgement, judgements, near_facts, rules, similar_facts, user_names
from afterturn.consolidation.decisions import Decision, KnownFact, Verdicts
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
    #: The facts that the rules compare with the candidates, and those that `verdicts` are about.
    facts: Mapping[UUID, KnownFact]
    #: What extraction said of candidates and facts that it was shown.
    verdicts: Verdicts
    #: The facts that extraction was shown, or that these were merged into.
    compared: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryState:
    """The state of a user's memory that a batch is planned on."""

    version: int
    #: The number of all current facts.
    current_count: int
    display_name: str | None
    #: The facts that say what somebody is called.
    names: Sequence[Mapping[str, Any]]
    #: The facts that extraction was shown.
    shown_ids: Sequence[UUID]
    #: Whether an earlier batch of the user is still open.
    is_blocked: bool


def read_memory_state(connection: Connection, batch: Batch) -> MemoryState:
    """Read the state of the memory, in one snapshot. Raises VersionConflict if the user was forgotten."""
    arguments = {"user_seq": batch.user_seq, "prompt_version": batch.prompt_version, "model": batch.model}
    row = connection.execute(_SQL["memory_state"], batch.key | arguments).fetchone()
    if row is None:
        raise VersionConflict("the user was forgotten while this batch was being consolidated")
    return MemoryState(
        version=row["version"],
        current_count=row["facts"],
        display_name=row["display_name"],
        names=row["names"] or (),
        shown_ids=row["shown_ids"],
        is_blocked=row["is_blocked"],
    )


def read_decision_input(
    connection: Connection, batch: Batch, answer: VerifiedAnswer, state: MemoryState
) -> DecisionInput:
    """Read the facts that the rules need."""
    contents = [candidate.content for candidate in answer.candidates]
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
    compared = _read_compared(connection, batch, state)
    related = {row["asked_id"]: KnownFact(**_without(row, "asked_id")) for row in compared}
    return DecisionInput(
        version=state.version,
        names=user_names.find_user_names(state.names, state.display_name, answer.candidates),
        current_count=state.current_count,
        facts={row["fact_id"]: KnownFact(**row) for row in rows} | _facts_of_relations(answer, related),
        verdicts=_verdicts_of_extraction(answer, related),
        compared=frozenset(fact.fact_id for fact in related.values()),
    )


def _read_compared(connection: Connection, batch: Batch, state: MemoryState) -> list[dict[str, Any]]:
    """Return the current facts that extraction was shown, or that these were merged into."""
    if not state.shown_ids:
        return []
    return connection.execute(_SQL["current_of"], batch.key | {"fact_ids": state.shown_ids}).fetchall()


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _facts_of_relations(answer: VerifiedAnswer, related: Mapping[UUID, KnownFact]) -> dict[UUID, KnownFact]:
    named = (fact_id for candidate in answer.candidates for fact_id in candidate.relations)
    return {related[fact_id].fact_id: related[fact_id] for fact_id in named if fact_id in related}


def _verdicts_of_extraction(answer: VerifiedAnswer, related: Mapping[UUID, KnownFact]) -> Verdicts:
    """Return the relations that extraction found as verdicts. A fact that is no longer current needs none."""
    return {
        (candidate.fact_id, related[fact_id].fact_id): relation
        for candidate in answer.candidates
        for fact_id, relation in candidate.relations.items()
        if fact_id in related
    }


def make_unclear_question(
    connection: Connection, batch: Batch, known: DecisionInput, decided: Sequence[Decision]
) -> tuple[JudgeQuestion, dict[UUID, KnownFact]] | None:
    """Return the question about what neither rules nor extraction decided, and its facts; None if there is none.

    The question is about candidates that are near to a fact which extraction was not shown.

    Args:
        connection: reads further facts of the user.
        batch: the batch of the candidates.
        known: the input of the rules.
        decided: the decisions of the rules and of extraction.
    """
    unclear = [decision.candidate for decision in decided if decision.repeats is None]
    settled = known.compared.union(*(decision.supersedes for decision in decided))
    if not unclear or known.current_count <= len(settled):
        return None
    new = [ShownFact(candidate.fact_id, candidate.content.text, candidate.said_at) for candidate in unclear]
    asked_ids = judgements.read_question_facts(connection, batch, version=known.version)
    if asked_ids is None:
        near = near_facts.find_near_facts(connection, batch.key, new, without=settled)
        asked_ids = [] if near is None else [*near.fact_ids, *near.statement_ids]
    asked = set(asked_ids)
    by_id = {fact.fact_id: fact for fact in similar_facts.read_facts(connection, batch.key, asked_ids)}
    question = judgement.make_question(
        [ShownFact(fact.fact_id, fact.text, fact.said_at) for fact in by_id.values()],
        [statement for statement in new if statement.fact_id in asked],
    )
    if question is None:
        return None
    return question, {**known.facts, **{shown.fact_id: by_id[shown.fact_id] for shown in question.known}}
