"""A user's tokens of the day: what is left of them, and what gives way as they run out.

From half of them on the user's batches are cut wider, so that the fixed part of the prompt is paid less often; at the
end they wait for the next day. Nothing is dropped. Days begin at midnight UTC, by the database's clock. The reasons and
figures are in docs/explanation/decisions/012-a-budget-per-user.md.
"""

from __future__ import annotations

from collections.abc import Collection

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import BudgetExhausted
from afterturn.scopes import UserScope
from afterturn.settings import Settings

_SQL = queries.load("llm_calls")

#: Part of the day's tokens from which on batches are cut wider. Lower: facts come later than need be. Higher: less is
#: saved before the end.
DEGRADED_FROM = 0.5
#: How much longer turns wait for more at the end. Most of a short batch's tokens are the fixed part of the prompt.
WIDEST_WAIT = 4.0
#: How much larger a full batch becomes. More saves little (the fixed part is small beside 40 turns), and the answer no
#: longer fits its limit: it would be paid for, and asked for again in halves.
WIDEST_SIZE = 4 / 3


def lock(connection: Connection, user: UserScope) -> None:
    """Let nobody else reserve tokens of this user until the end of the transaction. Comes before any other lock."""
    connection.execute(_SQL["lock_user"], user.key)


def admit(connection: Connection, user: UserScope, *, expected_tokens: int, daily_tokens: int) -> None:
    """Raise BudgetExhausted when a call that takes so much would go beyond the user's tokens of the day.

    The first call of a day is always admitted: one that is larger than the whole budget would else wait for ever.
    """
    spent = spent_today(connection, [user])[user]
    if spent and spent + expected_tokens > daily_tokens:
        raise BudgetExhausted(
            f"{spent} of the user's {daily_tokens} tokens of the day are used up or reserved; "
            f"the next call may take {expected_tokens}",
            limit_tokens=daily_tokens,
        )


def spent_today(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return what each of these users' calls of today came to, those under way with all that they reserved."""
    named = {"tenants": [user.tenant_id for user in users], "users": [user.user_id for user in users]}
    rows = connection.execute(_SQL["spent_today"], named).fetchall()
    spent = {UserScope(row["tenant_id"], row["user_id"]): row["tokens"] for row in rows}
    return {user: spent.get(user, 0) for user in users}


def cutting(connection: Connection, settings: Settings, users: Collection[UserScope]) -> dict[UserScope, Settings]:
    """Return the settings by which each of these users' batches are cut now: wider as their tokens run out."""
    if settings.user_daily_tokens is None:
        return dict.fromkeys(users, settings)
    spent = spent_today(connection, users)
    return {user: wider(settings, spent[user] / settings.user_daily_tokens) for user in users}


def wider(settings: Settings, share: float) -> Settings:
    """Return the settings with batches as wide as they are cut when this share of the day's tokens is used up."""
    if share <= DEGRADED_FROM:
        return settings
    strain = min(1.0, (share - DEGRADED_FROM) / (1.0 - DEGRADED_FROM))
    wait, size = (1.0 + strain * (widest - 1.0) for widest in (WIDEST_WAIT, WIDEST_SIZE))
    return settings.model_copy(
        update={
            "batch_turns": round(settings.batch_turns * size),
            "batch_tokens": round(settings.batch_tokens * size),
            "batch_idle_seconds": settings.batch_idle_seconds * wait,
            "batch_max_age_seconds": settings.batch_max_age_seconds * wait,
        }
    )
