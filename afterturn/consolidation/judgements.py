"""The stored answers of the judge, and the questions that batches wait for. Each question is paid for once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from afterturn.batches import leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.consolidation import judgement
from afterturn.consolidation.decisions import Verdicts
from afterturn.consolidation.judge import EARLIER_PROMPT_VERSIONS, Judge
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.llm import calls
from afterturn.llm.calls import Call
from afterturn.scopes import UserScope

_SQL = queries.load("judgements")

#: Stored if the judge gives no valid answer: the rules decide on every pair.
EMPTY_JUDGEMENT = '{"pairs":[]}'


@dataclass(frozen=True, slots=True)
class OwedJudgement:
    """A judgement that a batch waits for."""

    #: The question to the judge. None if release 0.1 planned the batch and did not store the question: the batch must
    #: be planned again.
    question_text: str | None


def read_verdicts(connection: Connection, scope: UserScope, judge: Judge, question: JudgeQuestion) -> Verdicts | None:
    """Return this judge's stored verdicts on a question; None if it has not been asked yet."""
    row = connection.execute(_SQL["answer"], _keys(scope, judge, question.text())).fetchone()
    return None if row is None else judgement.to_verdicts(question, judgement.parse_judgement(row["answer"]))


def is_answered(connection: Connection, scope: UserScope, judge: Judge, question_text: str) -> bool:
    """Return whether this judge has answered this question."""
    return connection.execute(_SQL["answer"], _keys(scope, judge, question_text)).fetchone() is not None


def store_answer(
    connection: Connection,
    lease: Lease,
    judge: Judge,
    question_text: str,
    text: str,
    *,
    batch_id: UUID | None,
    call: Call | None,
) -> None:
    """Store an answer, the batch that the question is about, if any, and the cost of the call. Raises StaleLease."""
    version = {"prompt_version": judge.prompt_version, "model": judge.model}
    row = _key(lease.scope, judge, question_text) | version | {"batch_id": batch_id, "answer": text}
    row |= calls.result_arguments(call)
    leases.execute_fenced(connection, lease, _SQL["add_answer"], row)


def store_question(
    connection: Connection, lease: Lease, batch: Batch, question: JudgeQuestion, *, version: int, is_handed_on: bool
) -> None:
    """Store the question that a batch waits for, and release the lease on the batch. Raises StaleLease.

    Args:
        connection: with or without a transaction.
        lease: the lease on the batch.
        batch: the batch.
        question: the question.
        version: the version of the memory for which it is asked.
        is_handed_on: whether the caller then enqueues the batch to be judged; otherwise the sweep does.
    """
    fact_ids = [fact.fact_id for fact in (*question.known, *question.new)]
    row = {"question": question.text(), "version": version, "fact_ids": fact_ids, "is_handed_on": is_handed_on}
    leases.execute_releasing(connection, lease, _SQL["add_question"], batch.key | row)


def read_question_facts(connection: Connection, batch: Batch, *, version: int) -> list[UUID] | None:
    """Return the facts and candidates of the batch's last question; None if the memory has changed since, or none.

    They need not be searched again when the judge has answered.
    """
    row = connection.execute(_SQL["question_facts"], batch.key | {"version": version}).fetchone()
    return None if row is None else list(row["fact_ids"])


def read_owed_judgement(connection: Connection, batch: Batch) -> OwedJudgement | None:
    """Return the judgement that a batch waits for; None if it waits for none."""
    row = connection.execute(_SQL["owed_judgement"], batch.key).fetchone()
    return None if row is None else OwedJudgement(row["question"])


def clear_question(connection: Connection, lease: Lease, batch: Batch, *, is_handed_on: bool) -> None:
    """Delete the text of the question that a batch waits for, and release the lease on the batch. Raises StaleLease.

    `is_handed_on` says that the caller then enqueues the batch to be applied; otherwise the sweep does.
    """
    leases.execute_releasing(connection, lease, _SQL["delete_question"], batch.key | {"is_handed_on": is_handed_on})


def store_compared_facts(connection: Connection, batch: Batch, fact_ids: Collection[UUID]) -> None:
    """Store with which facts a model has compared those of a batch, in the caller's transaction.

    Two facts of the batch were compared with each other if both are among them. Scheduled consolidation does not
    compare these pairs again.
    """
    if fact_ids:
        connection.execute(_SQL["add_compared"], batch.key | {"fact_ids": list(fact_ids)})


def read_compared_facts(connection: Connection, scope: UserScope) -> dict[UUID, frozenset[UUID]]:
    """Return batch -> the facts with which a model has compared those of the batch."""
    rows = connection.execute(_SQL["compared"], scope.key).fetchall()
    return {row["batch_id"]: frozenset(row["fact_ids"]) for row in rows}


def _keys(scope: UserScope, judge: Judge, question_text: str) -> dict[str, Any]:
    """Return the digests of a question under the present prompt and the earlier ones, the present one first."""
    versions = (judge.prompt_version, *EARLIER_PROMPT_VERSIONS)
    digests = [
        judgement.question_digest(question_text, prompt_version=version, model=judge.model) for version in versions
    ]
    return scope.key | {"input_digests": digests}


def _key(scope: UserScope, judge: Judge, question_text: str) -> dict[str, Any]:
    digest = judgement.question_digest(question_text, prompt_version=judge.prompt_version, model=judge.model)
    return scope.key | {"input_digest": digest}
