"""The daily token budget of a user.

After half of the budget is spent, the user's batches are cut larger, so that the fixed part of the prompt is paid less
often. When the budget is exhausted, batches wait for the next day. Nothing is dropped. A day begins at midnight UTC, by
the database's clock. Reasons and figures: docs/explanation/decisions/012-a-budget-per-user.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import BudgetExhausted
from afterturn.scopes import UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection
    from afterturn.settings import Settings

_SQL = queries.load("llm_calls")

#: The share of the daily tokens after which batches are cut larger. Lower: facts are formed later than necessary.
#: Higher: less is saved before the budget is exhausted.
DEGRADED_FROM = 0.5
#: The factor by which turns wait longer for further turns when the budget is exhausted. Most tokens of a short batch
#: are the fixed part of the prompt.
MAX_WAIT_FACTOR = 4.0
#: The factor by which a full batch becomes larger. More would save little, because the fixed part is small beside 40
#: turns; and the answer would exceed its limit, so that it is paid for and then requested again in halves.
MAX_SIZE_FACTOR = 4 / 3


def lock_user(connection: Connection, user: UserScope) -> None:
    """Lock the token budget of a user until the end of the transaction. Take it before any other lock."""
    connection.execute(_SQL["lock_user"], user.key)


def check_budget(connection: Connection, user: UserScope, *, expected_tokens: int, daily_tokens: int) -> None:
    """Raise BudgetExhausted when a call would exceed the daily tokens of a user.

    The first call of a day is always allowed. Otherwise a call larger than the whole budget would wait for ever.
    """
    spent = read_spent_today(connection, [user])[user]
    if spent and spent + expected_tokens > daily_tokens:
        raise BudgetExhausted(
            f"{spent} of the user's {daily_tokens} tokens of the day are used up or reserved; "
            f"the next call may take {expected_tokens}",
            limit_tokens=daily_tokens,
        )


def read_spent_today(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return the tokens that each user has spent today. A running call counts with all tokens that it reserved."""
    statement = spent_statement(users)
    spent = decode_spent(connection.execute(statement.sql, statement.arguments).fetchall())
    return {user: spent.get(user, 0) for user in users}


def spent_statement(users: Collection[UserScope]) -> Statement:
    """Return the statement that reads the tokens that users have spent today."""
    arguments = {"tenants": [user.tenant_id for user in users], "users": [user.user_id for user in users]}
    return Statement(_SQL["spent_today"], arguments)


def decode_spent(rows: Iterable[Row]) -> dict[UserScope, int]:
    """Return the spent tokens from the rows of `spent_statement`, of those users who have spent any."""
    return {UserScope(row["tenant_id"], row["user_id"]): row["tokens"] for row in rows}


def cutting_settings(
    connection: Connection, settings: Settings, users: Collection[UserScope]
) -> dict[UserScope, Settings]:
    """Return for each user the settings for cutting batches, adapted to the tokens spent today."""
    if settings.user_daily_tokens is None:
        return dict.fromkeys(users, settings)
    spent = read_spent_today(connection, users)
    return {user: enlarge_batches(settings, spent[user] / settings.user_daily_tokens) for user in users}


def enlarge_batches(settings: Settings, spent_share: float) -> Settings:
    """Return the settings with larger batches and longer waits, by the share of the daily tokens that is spent."""
    if spent_share <= DEGRADED_FROM:
        return settings
    degree = min(1.0, (spent_share - DEGRADED_FROM) / (1.0 - DEGRADED_FROM))
    wait_factor, size_factor = (1.0 + degree * (factor - 1.0) for factor in (MAX_WAIT_FACTOR, MAX_SIZE_FACTOR))
    return settings.model_copy(
        update={
            "batch_turns": round(settings.batch_turns * size_factor),
            "batch_tokens": round(settings.batch_tokens * size_factor),
            "batch_idle_seconds": settings.batch_idle_seconds * wait_factor,
            "batch_max_age_seconds": settings.batch_max_age_seconds * wait_factor,
        }
    )
