"""The batch: the unit of idempotency, cost and retry. Its row decides what is done; Celery messages are only hints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.database.statement import Row, Statement
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

_SQL = queries.load("batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A run of consecutive turns of one session that the stages process as one unit."""

    session: SessionScope
    batch_id: UUID
    #: Its number in the order in which its user's batches are applied.
    user_seq: int
    first_position: int
    last_position: int
    #: pending, extracted, applied or dead.
    state: str
    #: conversation, or manual for a person's edit, which needs no extraction: the edit is its answer.
    kind: str
    #: How many batches of its user were open when it was cut: 0 for a user without a backlog.
    place: int
    #: How often it failed while others succeeded.
    attempts: int
    #: These two say which of the stored answers is used; None while pending.
    prompt_version: str | None
    model: str | None
    #: The last refusal by an endpoint, while it is unknown whether the batch or the endpoint is the cause; or None.
    refusal_reason: str | None
    #: Number of usable answers of the endpoint when the batch failed last.
    successes_seen: int | None
    #: True when all its vectors are stored.
    is_embedded: bool
    #: True when its answer is verified and the candidates are stored. False if release 0.1 extracted it.
    is_verified: bool

    @property
    def key(self) -> dict[str, Any]:
        """The key of the batch's row, as query arguments."""
        return key_of(self.session.user, self.batch_id)

    @property
    def session_key(self) -> dict[str, Any]:
        """The key of the session's row, as query arguments."""
        return self.session.key


def key_of(scope: UserScope, batch_id: UUID) -> dict[str, Any]:
    """Return the key of a batch's row as query arguments."""
    return scope.key | {"batch_id": batch_id}


def from_row(row: Row) -> Batch:
    """Convert a row with the columns of the query `load` to a batch."""
    return Batch(
        session=SessionScope(row["tenant_id"], row["user_id"], row["session_id"]),
        batch_id=row["batch_id"],
        user_seq=row["user_seq"],
        first_position=row["first_position"],
        last_position=row["last_position"],
        state=row["state"],
        kind=row["kind"],
        place=row.get("place", 0),  # read by the stages; removals and dead letters do not use it
        attempts=row["attempts"],
        prompt_version=row["prompt_version"],
        model=row["model"],
        refusal_reason=row.get("reason"),
        successes_seen=row.get("successes_seen"),
        is_embedded=row["embedded_at"] is not None,
        is_verified=bool(row["is_verified"]),
    )


def read_turns(connection: Connection, batch: Batch, *, context: int = 0) -> tuple[list[Turn], list[Turn]]:
    """Return the last `context` turns before the batch, and the batch's own turns, both in order.

    A removed turn is included, without its content.
    """
    statement = turns_statement(batch, context=context)
    turns = decode_turns(connection.execute(statement.sql, statement.arguments).fetchall())
    before = [turn for turn in turns if turn.position is not None and turn.position < batch.first_position]
    return before, turns[len(before) :]


def turns_statement(batch: Batch, *, context: int = 0) -> Statement:
    """Return the statement for the batch's turns and the last `context` turns before it, in order."""
    ends = {"first_position": batch.first_position - context, "last_position": batch.last_position}
    return Statement(_SQL["turns"], batch.session_key | ends)


def decode_turns(rows: Iterable[Row]) -> list[Turn]:
    """Return the turns from the rows of `turns_statement`."""
    return [_turn(row) for row in rows]


def _turn(row: Row) -> Turn:
    turn = Turn(**dict(row) | {"memories_shown": tuple(row["memories_shown"])})
    return replace(turn, content="", metadata={}) if turn.is_removed else turn


@dataclass(frozen=True, slots=True)
class ReadyBatch:
    """A user's earliest open batch, which can be applied or extracted."""

    batch_id: UUID
    #: How many batches of its user were open when it was cut.
    place: int
    #: extracted: it can be applied. pending: it can be extracted.
    state: str = "extracted"


def next_ready_batch(connection: Connection, scope: UserScope) -> ReadyBatch | None:
    """Return the user's earliest open batch if it is ready to be applied and owes no judgement, else None."""
    row = connection.execute(_SQL["next_ready"], scope.key).fetchone()
    return None if row is None else ReadyBatch(row["batch_id"], row["place"])


def hand_on_next(
    connection: Connection, scope: UserScope, *, steps: Sequence[str] = ("embedded",), done: UUID | None = None
) -> ReadyBatch | None:
    """Mark the user's earliest open batch as handed out, if it is at one of these steps and not handed out yet.

    Args:
        connection: without a transaction.
        scope: the user.
        steps: embedded: it can be applied; pending: it can be extracted.
        done: a batch that the caller has just worked on, and that is not handed out.

    Returns it; the caller sends the message. None if there is no such batch.
    """
    row = connection.execute(_SQL["hand_on_next"], scope.key | {"steps": list(steps), "done": done}).fetchone()
    return None if row is None else ReadyBatch(row["batch_id"], row["place"], row["state"])


def hand_back(connection: Connection, scope: UserScope, batch_id: UUID) -> None:
    """Have a batch handed out again that was to be applied, but another worker was working on its user."""
    connection.execute(_SQL["hand_back"], key_of(scope, batch_id))


def hand_out_again(connection: Connection, scope: UserScope, batch_id: UUID) -> None:
    """Have an open batch handed out again by the next sweep, whatever its step is."""
    connection.execute(_SQL["hand_out_again"], key_of(scope, batch_id))
