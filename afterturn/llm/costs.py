"""Sums of the costs of LLM calls, by user, day, stage or batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args
from uuid import UUID

from afterturn.database import queries
from afterturn.database.statement import Row, Statement, Steps
from afterturn.database.steps import read_row, read_rows
from afterturn.errors import InvalidInput
from afterturn.llm import budget
from afterturn.scopes import UserScope

_SQL = queries.load("llm_calls")

#: What the costs are grouped by.
CostGrouping = Literal["user", "day", "stage", "batch"]

DAYS_LIMIT = 3_660


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The costs of some calls. The fields that are not None say which calls."""

    tenant_id: str | None = None
    user_id: str | None = None
    #: In UTC.
    day: date | None = None
    #: extract, judge, summarize or sleep.
    stage: str | None = None
    #: None also in a sum by batch, for calls without a batch.
    batch_id: UUID | None = None
    calls: int = 0
    prompt_tokens: int = 0
    #: The part of the prompt tokens that the provider had cached.
    cached_tokens: int = 0
    completion_tokens: int = 0
    #: Running calls and calls whose process died. Their cost is not known.
    unfinished_calls: int = 0
    #: The most tokens that the unfinished calls may use.
    reserved_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The price of a million tokens, in any currency."""

    prompt: float
    completion: float

    def price_of(self, costs: Costs) -> float:
        """Return the price of the finished calls. Discounts for cached tokens are not considered."""
        return (costs.prompt_tokens * self.prompt + costs.completion_tokens * self.completion) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyBudget:
    """The budget of a user today."""

    daily_tokens: int
    #: Spent or reserved since midnight UTC.
    spent_tokens: int
    #: Whether batches are cut larger to save tokens.
    is_degraded: bool
    paused_batches: int
    paused_until: datetime | None


def costs_statement(tenant_id: str | None, user_id: str | None, *, by: CostGrouping, days: int | None) -> Statement:
    """Return the statement that reads costs.

    Args:
        tenant_id: None: all tenants.
        user_id: None: all users.
        by: what the costs are grouped by.
        days: the number of days until today; None: all time.

    Raises InvalidInput when `by` or `days` is not valid.
    """
    if by not in get_args(CostGrouping):
        raise InvalidInput(f"by must be one of {', '.join(get_args(CostGrouping))}, not {by!r}")
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= DAYS_LIMIT):
        raise InvalidInput(f"days must be 1 to {DAYS_LIMIT}, not {days!r}")
    return Statement(_SQL["costs"], {"tenant_id": tenant_id, "user_id": user_id, "by": by, "days": days})


def decode_rows(rows: Iterable[Row]) -> list[Costs]:
    """Return the costs from the rows of `costs_statement`."""
    return [Costs(**row) for row in rows]


def read_costs(tenant_id: str | None, user_id: str | None, *, by: CostGrouping, days: int | None) -> Steps[list[Costs]]:
    """Return costs; the arguments are those of `costs_statement`. Raises InvalidInput."""
    return decode_rows((yield from read_rows(costs_statement(tenant_id, user_id, by=by, days=days))))


def read_daily_budget(user: UserScope, *, daily_tokens: int) -> Steps[DailyBudget]:
    """Return the budget of a user today."""
    spent = budget.decode_spent((yield from read_rows(budget.spent_statement([user])))).get(user, 0)
    paused = yield from read_row(Statement(_SQL["paused"], user.key))
    return DailyBudget(
        daily_tokens=daily_tokens,
        spent_tokens=spent,
        is_degraded=spent > daily_tokens * budget.DEGRADED_FROM,
        **paused,
    )


def total(parts: Iterable[Costs]) -> Costs:
    """Return the sum of costs."""
    listed = list(parts)
    counts = ("calls", "prompt_tokens", "cached_tokens", "completion_tokens", "unfinished_calls", "reserved_tokens")
    return Costs(**{name: sum(getattr(costs, name) for costs in listed) for name in counts})


def as_json(costs: Costs, prices: Prices | None) -> dict[str, Any]:
    """Return costs as JSON values, with `money` if prices are given."""
    values = asdict(costs) | {
        "day": None if costs.day is None else costs.day.isoformat(),
        "batch_id": None if costs.batch_id is None else str(costs.batch_id),
    }
    return values | ({"money": round(prices.price_of(costs), 6)} if prices else {})
