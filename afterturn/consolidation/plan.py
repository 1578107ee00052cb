"""The plan of a batch: the decisions of rules and judge on its candidates, for one version of the memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import decision_input, edits, judgements
from afterturn.consolidation.deciding import decide
from afterturn.consolidation.decisions import Decision
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.database.pool import Connection
from afterturn.extraction import batch_answer
from afterturn.extraction.verified_answer import VerifiedAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The decisions that applying a batch carries out."""

    answer: VerifiedAnswer
    #: The version of the user's memory for which the plan was made.
    version: int
    decisions: Sequence[Decision]
    #: The question that the judge must answer before the batch is applied; the decisions then lack its verdicts.
    #: None if the judge need not be asked, or has answered.
    open_question: JudgeQuestion | None = None
    #: The facts with which a model has compared the candidates: known ones, and candidates that the judge was asked
    #: about. Extraction does not compare what it says in one answer.
    compared_ids: tuple[UUID, ...] = ()


def make_plan(connection: Connection, batch: Batch, judge: Judge | None, *, categories: Sequence[str]) -> Plan | None:
    """Plan one batch. Return None if it is not ready to be applied.

    Args:
        connection: the connection.
        batch: the batch.
        judge: the judge; None to decide by rules alone.
        categories: the allowed categories.

    Raises AnswerMalformed or VersionConflict.
    """
    if not batch.is_embedded:
        return None
    state = decision_input.read_memory_state(connection, batch)
    if state.is_blocked:
        return None
    answer = batch_answer.read_verified_answer(connection, batch, categories=categories)
    candidates = edits.candidates_to_decide(connection, batch, answer)
    known = decision_input.read_decision_input(connection, batch, answer, state)
    by_rules = decide(candidates, known.facts.values(), known.verdicts, known.names)
    unclear = None
    # A correction names the fact that it replaces, so the judge is not needed.
    if judge is not None and not answer.edits:
        unclear = decision_input.make_unclear_question(connection, batch, known, by_rules)
    if judge is None or unclear is None:
        decided = edits.keep_entered_ids(by_rules)
        return Plan(answer=answer, version=known.version, decisions=decided, compared_ids=tuple(sorted(known.compared)))
    question, facts = unclear
    verdicts = judgements.read_verdicts(connection, batch.session.user, judge, question)
    if verdicts is None:
        return Plan(answer=answer, version=known.version, decisions=by_rules, open_question=question)
    verdicts = {**verdicts, **known.verdicts}
    decided = edits.keep_entered_ids(decide(candidates, facts.values(), verdicts, known.names))
    # The judge has compared the new ones of a question with each other too.
    compared_ids = tuple(sorted(known.compared.union(fact.fact_id for fact in (*question.known, *question.new))))
    return Plan(answer=answer, version=known.version, decisions=decided, compared_ids=compared_ids)
