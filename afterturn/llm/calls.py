"""What LLM calls cost: each is reserved before it is made, and accounted for when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg_pool import ConnectionPool

from afterturn import leases
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import ModelError, ModelRefused
from afterturn.leases import Lease
from afterturn.scopes import SessionScope

_SQL = queries.load("llm_calls")


@dataclass(slots=True)
class CallCost:
    """What one call took; the caller fills it in."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@contextmanager
def metered(
    pool: ConnectionPool[Connection],
    lease: Lease,
    session: SessionScope,
    *,
    stage: str,
    model: str,
    batch_id: UUID | None = None,
) -> Iterator[CallCost]:
    """Reserve a call, let the block make it, and write down what it came to. No connection is held meanwhile.

    Raises StaleLease, before the call is made, when the work is somebody else's by now.
    """
    key = {"tenant_id": session.tenant_id, "user_id": session.user_id, "call_id": uuid4()}
    cost = CallCost()
    with pool.connection() as connection, connection.transaction():
        leases.fence(connection, lease)
        connection.execute(
            _SQL["reserve"],
            key | {"stage": stage, "session_id": session.session_id, "batch_id": batch_id, "model": model},
        )
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
            connection.execute(
                _SQL["end"],
                key
                | {
                    "outcome": outcome,
                    "prompt_tokens": cost.prompt_tokens,
                    "completion_tokens": cost.completion_tokens,
                },
            )
