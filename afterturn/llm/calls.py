"""Account for LLM calls: reserve tokens before a call, and record its cost after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

from psycopg_pool import ConnectionPool

from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import ModelError, ModelRefused
from afterturn.llm import budget
from afterturn.scopes import SessionScope

_SQL = queries.load("llm_calls")


@dataclass(slots=True)
class CallCost:
    """The cost of one call; the caller fills it in."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: The part of the prompt tokens that the provider had cached.
    cached_tokens: int = 0


@contextmanager
def metered(
    pool: ConnectionPool[Connection],
    lease: Lease,
    session: SessionScope | None,
    *,
    stage: str,
    model: str,
    expected_tokens: int,
    daily_tokens: int | None,
    batch_id: UUID | None = None,
) -> Iterator[CallCost]:
    """Reserve tokens, run the block, which makes the call, and record the cost.

    No database connection is used during the block.

    Args:
        pool: of the workers.
        lease: of the work; its scope is the user who pays.
        session: the session of the call; None for scheduled work.
        stage: extract, judge, summarize or sleep.
        model: the name of the model.
        expected_tokens: the most tokens that the call may use (`LLM.expected_tokens`). They count until it has ended.
        daily_tokens: the budget of the user per day; None: no limit.
        batch_id: the batch of the call, if any.

    Before the block it raises StaleLease when another worker has taken the lease, and BudgetExhausted when the call
    would exceed the budget.
    """
    key = lease.scope.key | {"call_id": uuid4()}
    work = {"stage": stage, "model": model, "batch_id": batch_id, "session_id": session and session.session_id}
    cost = CallCost()
    with pool.connection() as connection, connection.transaction():
        if daily_tokens is not None:
            budget.lock_user(connection, lease.scope)
        leases.fence(connection, lease)
        if daily_tokens is not None:
            budget.check_budget(connection, lease.scope, expected_tokens=expected_tokens, daily_tokens=daily_tokens)
        connection.execute(_SQL["reserve"], key | work | {"reserved_tokens": expected_tokens})
    outcome = "answered"
    try:
        yield cost
    except ModelError as error:
        outcome = error.code
        if isinstance(error, ModelRefused):
            cost.prompt_tokens, cost.completion_tokens = error.prompt_tokens, error.completion_tokens
        raise
    finally:
        with pool.connection() as connection:
            connection.execute(_SQL["record_result"], key | {"outcome": outcome} | asdict(cost))
