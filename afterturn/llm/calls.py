"""Account for LLM calls: reserve tokens before a call, and record its cost after it."""

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
from afterturn.endpoints.breaker import Breaker
from afterturn.errors import ModelError, ModelRefused
from afterturn.llm import budget
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

_SQL = queries.load("llm_calls")


class LLMServers(Protocol):
    """The parts of the runtime that an accounted LLM call uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def llm_breaker(self) -> Breaker: ...


@dataclass(slots=True)
class Call:
    """One call that was reserved; whoever makes it fills in what it took."""

    #: The key of its row, as query arguments.
    key: dict[str, Any]
    prompt_tokens: int = 0
    completion_tokens: int = 0
    #: The part of the prompt tokens that the provider had cached.
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
    """Reserve tokens and run the block, which makes the call. No database connection is used during the block.

    The cost of a call that fails is recorded here. The caller records the cost of a call that succeeds, with
    `record_result`, or in the statement that stores the answer.

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
    row = key | work | {"reserved_tokens": expected_tokens}
    with pool.connection() as connection:
        if daily_tokens is None:
            leases.execute_fenced(connection, lease, _SQL["reserve"], row)
        else:
            with connection.transaction():
                budget.lock_user(connection, lease.scope)
                leases.fence(connection, lease)
                budget.check_budget(connection, lease.scope, expected_tokens=expected_tokens, daily_tokens=daily_tokens)
                leases.execute_fenced(connection, lease, _SQL["reserve"], row)
    call = Call(key)
    try:
        yield call
    except BaseException as error:
        outcome = error.code if isinstance(error, ModelError) else "answered"
        if isinstance(error, ModelRefused):
            call.prompt_tokens, call.completion_tokens = error.prompt_tokens, error.completion_tokens
        with pool.connection() as connection:
            record_result(connection, call, outcome=outcome)
        raise


def result_arguments(call: Call | None) -> dict[str, Any]:
    """Return the cost of an answered call as arguments of a statement that also stores the answer; None: no call."""
    call = call or Call({"call_id": None})
    return {
        "call_id": call.key["call_id"],
        "prompt_tokens": call.prompt_tokens,
        "completion_tokens": call.completion_tokens,
        "cached_tokens": call.cached_tokens,
    }


def record_result(connection: Connection, call: Call, *, outcome: str = "answered") -> None:
    """Record the outcome and the cost of a call."""
    connection.execute(_SQL["record_result"], call.key | result_arguments(call) | {"outcome": outcome})
