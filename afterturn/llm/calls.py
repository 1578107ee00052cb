"""What LLM calls cost: each is reserved before it is made, and accounted for when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
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
class Call:
    """One call that was reserved; whoever makes it fills in what it took."""

    #: The key of its row, as query arguments.
    key: dict[str, Any]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: How many of the prompt's tokens the provider had cached.
    cached_tokens: int = 0

    def took(self, answer: Usage) -> None:
        """Note the tokens that an answer reports."""
        self.prompt_tokens, self.completion_tokens = answer.prompt_tokens, answer.completion_tokens
        self.cached_tokens = answer.cached_tokens


class Usage(Protocol):
    """What an answer says of its tokens."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...


@contextmanager
def reserved(
    pool: ConnectionPool[Connection],
    lease: Lease,
    session: SessionScope | None,
    *,
    stage: str,
    model: str,
    expected_tokens: int,
    daily_tokens: int | None,
    batch_id: UUID | None = None,
) -> Iterator[Call]:
    """Reserve a call and let the block make it. No connection is held meanwhile.

    A call that fails is accounted for here. One that is answered is accounted for by the caller, with `end`, where the
    answer is stored.

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
    row = key | work | {"reserved_tokens": expected_tokens}
    with pool.connection() as connection:
        if daily_tokens is None:
            leases.execute_fenced(connection, lease, _SQL["reserve"], row)
        else:
            with connection.transaction():
                budget.lock(connection, lease.scope)
                leases.fence(connection, lease)
                budget.admit(connection, lease.scope, expected_tokens=expected_tokens, daily_tokens=daily_tokens)
                leases.execute_fenced(connection, lease, _SQL["reserve"], row)
    call = Call(key)
    try:
        yield call
    except BaseException as error:
        outcome = error.code if isinstance(error, ModelError) else "answered"
        if isinstance(error, ModelRefused):
            call.prompt_tokens, call.completion_tokens = error.prompt_tokens, error.completion_tokens
        with pool.connection() as connection:
            end(connection, call, outcome=outcome)
        raise


def end(connection: Connection, call: Call, *, outcome: str = "answered") -> None:
    """Write down what a call came to."""
    took = {
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
    }
    connection.execute(_SQL["end"], call.key | {"outcome": outcome} | took)
