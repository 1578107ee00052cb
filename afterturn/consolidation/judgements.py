"""The stored judgements: each question is paid for once, whoever asks it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import judgement
from afterturn.consolidation.decisions import Verdicts
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgement import Question
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("judgements")

#: The answer to a question that nobody would answer: every pair is left to the rules.
NOTHING = '{"pairs":[]}'


@dataclass(frozen=True, slots=True)
class OwedJudgement:
    """What a batch waits for."""

    #: What the judge is to be asked. None: the batch must be planned again, by this release, to know.
    question_text: str | None


def read(connection: Connection, scope: UserScope, judge: Judge, question: Question) -> Verdicts | None:
    """Return what this judge said to this question; None when it was not asked yet."""
    row = connection.execute(_SQL["stored"], _key(scope, judge, question.text())).fetchone()
    return None if row is None else judgement.verdicts(question, judgement.parse(row["answer"]))


def is_answered(connection: Connection, scope: UserScope, judge: Judge, question_text: str) -> bool:
    """Return whether this judge has answered this question."""
    return connection.execute(_SQL["stored"], _key(scope, judge, question_text)).fetchone() is not None


def store(
    connection: Connection, scope: UserScope, judge: Judge, question_text: str, text: str, *, batch_id: UUID | None
) -> None:
    """Keep an answer, and which batch asked for it where one did, in the caller's transaction."""
    version = {"prompt_version": judge.prompt_version, "model": judge.model}
    row = _key(scope, judge, question_text) | version | {"batch_id": batch_id, "answer": text}
    connection.execute(_SQL["store"], row)


def owe(connection: Connection, batch: Batch, question: Question) -> None:
    """Note what the judge is to be asked of a batch, in the caller's transaction."""
    connection.execute(_SQL["owe"], batch.key | {"question": question.text()})


def owed(connection: Connection, batch: Batch) -> OwedJudgement | None:
    """Return what a batch waits for; None where it waits for no judgement."""
    row = connection.execute(_SQL["owed"], batch.key).fetchone()
    return None if row is None else OwedJudgement(row["question"])


def settle(connection: Connection, batch: Batch) -> None:
    """Note that a batch waits for no answer any more, in the caller's transaction."""
    connection.execute(_SQL["settle"], batch.key)


def _key(scope: UserScope, judge: Judge, question_text: str) -> dict[str, Any]:
    digest = judgement.digest(question_text, prompt_version=judge.prompt_version, model=judge.model)
    return scope.key | {"input_digest": digest}
