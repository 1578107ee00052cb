"""What LLM calls came to: by user, day, stage or batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args
from uuid import UUID

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput
from afterturn.llm import budget
from afterturn.scopes import UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection

_SQL = queries.load("llm_calls")

#: What the calls are counted by.
By = Literal["user", "day", "stage", "batch"]

DAYS_LIMIT = 3_660


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What some calls came to. Which ones say the fields that are not None."""

    tenant_id: str | None = None
    user_id: str | None = None
    #: In UTC.
    day: date | None = None
    #: extract, judge, summarize or sleep.
    stage: str | None = None
    #: Of user and day as well: None for calls that were for no batch.
    batch_id: UUID | None = None
    calls: int = 0
    prompt_tokens: int = 0
    #: How many of the prompts' tokens the provider had cached.
    cached_tokens: int = 0
    completion_tokens: int = 0
    #: Under way, or their process died: what they came to is not known.
    unfinished_calls: int = 0
    #: The most that these may come to.
    reserved_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a million tokens cost, in any currency."""

    prompt: float
    completion: float

    def of(self, costs: Costs) -> float:
        """Return what the calls that have ended cost. That cached tokens may be cheaper is left out."""
        return (costs.prompt_tokens * self.prompt + costs.completion_tokens * self.completion) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """Where a user with a budget stands today."""

    daily_tokens: int
    #: Used up or reserved since midnight UTC.
    spent_tokens: int
    is_degraded: bool
    paused_batches: int
    paused_until: datetime | None


def statement(tenant_id: str | None, user_id: str | None, *, by: By, days: int | None) -> Statement:
    """Return the statement for costs; without ids of all tenants, or of all users, without days of all time.

    Raises InvalidInput when `by` or `days` is none that there is.
    """
    if by not in get_args(By):
        raise InvalidInput(f"costs go by {', '.join(get_args(By))}, not by {by!r}")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= DAYS_LIMIT):
        raise InvalidInput(f"days must be 1 to {DAYS_LIMIT}, not {days!r}")
    return Statement(_SQL["costs"], {"tenant_id": tenant_id, "user_id": user_id, "by": by, "days": days})


def of_rows(rows: Iterable[Row]) -> list[Costs]:
    """Return the answer to `statement`."""
    return [Costs(**row) for row in rows]


def read(
    connection: Connection, tenant_id: str | None, user_id: str | None, *, by: By, days: int | None
) -> list[Costs]:
    """Ask once. The connection must be a worker's, which sees all users. Raises InvalidInput."""
    asked = statement(tenant_id, user_id, by=by, days=days)
    return of_rows(connection.execute(asked.sql, asked.arguments).fetchall())


def read_today(connection: Connection, user: UserScope, *, daily_tokens: int) -> Today:
    """Return where the user stands today."""
    spent = budget.spent_today(connection, [user])[user]
    owner = user.key
    paused = connection.execute(_SQL["paused"], owner).fetchone()
    assert paused is not None, "a count is always one row"
    return Today(
        daily_tokens=daily_tokens,
        spent_tokens=spent,
        is_degraded=spent > daily_tokens * budget.DEGRADED_FROM,
        **paused,
    )


def total(found: Iterable[Costs]) -> Costs:
    """Return the sum."""
    listed = list(found)
    counts = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "unfinished_calls", "reserved_tokens")
    return Costs(**{name: sum(getattr(costs, name) for costs in listed) for name in counts})


def as_json(costs: Costs, prices: Prices | None) -> dict[str, Any]:
    """Return it as JSON values; money where prices are given."""
    values = asdict(costs) | {
        "day": None if costs.day is None else costs.day.isoformat(),
        "batch_id": None if costs.batch_id is None else str(costs.batch_id),
    }
    return values | ({"money": round(prices.of(costs), 6)} if prices else {})
