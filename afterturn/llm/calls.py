"""What LLM calls cost: each is reserved before it is made, and accounted for when it has ended."""

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
    """What one call took; the caller fills it in."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: How many of the prompt's tokens the provider had cached.
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
    """Reserve a call, let the block make it, and write down what it came to. No connection is held meanwhile.

    Args:
        pool: of the workers.
        lease: what entitles to the work; it also says whose tokens they are.
        session: which conversation the call is about; None for scheduled work.
        stage: extract, judge, summarize or sleep.
        model: which model is asked.
        expected_tokens: the most that the call may come to, which counts until it has ended: `LLM.expected_tokens`.
        daily_tokens: what the user may have per day; None: no limit.
        batch_id: which batch it is about.

    Raises, before the call is made, StaleLease when the work is somebody else's by now, and BudgetExhausted when the
    user's tokens of the day would not do.
    """
    key = lease.scope.key | {"call_id": uuid4()}
    work = {"stage": stage, "model": model, "batch_id": batch_id, "session_id": session and session.session_id}
    cost = CallCost()
    with pool.connection() as connection, connection.transaction():
        if daily_tokens is not None:
            budget.lock(connection, lease.scope)
        leases.fence(connection, lease)
        if daily_tokens is not None:
            budget.admit(connection, lease.scope, expected_tokens=expected_tokens, daily_tokens=daily_tokens)
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
            connection.execute(_SQL["end"], key | {"outcome": outcome} | asdict(cost))
