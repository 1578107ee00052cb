"""The stored judgements: each question is paid for once, whoever asks it again."""

from __future__ import annotations

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


def read(connection: Connection, scope: UserScope, of: Judge, asked: Question) -> Verdicts | None:
    """Return what this judge said to this question; None when it was not asked yet."""
    row = connection.execute(_SQL["stored"], _key(scope, of, asked)).fetchone()
    return None if row is None else judgement.verdicts(asked, judgement.parse(row["answer"]))


def store(
    connection: Connection, scope: UserScope, of: Judge, asked: Question, text: str, *, batch_id: UUID | None
) -> None:
    """Keep an answer, and which batch asked for it where one did, in the caller's transaction."""
    version = {"prompt_version": of.prompt_version, "model": of.model}
    connection.execute(_SQL["store"], _key(scope, of, asked) | version | {"batch_id": batch_id, "answer": text})


def owe(connection: Connection, batch: Batch) -> None:
    """Note that a batch waits for a judgement, in the caller's transaction."""
    connection.execute(_SQL["owe"], batch.key)


def pay(connection: Connection, batch: Batch) -> None:
    """Note that it waits no more, in the caller's transaction."""
    connection.execute(_SQL["paid"], batch.key)


def _key(scope: UserScope, of: Judge, asked: Question) -> dict[str, Any]:
    digest = asked.digest(prompt_version=of.prompt_version, model=of.model)
    return scope.key | {"input_digest": digest}
