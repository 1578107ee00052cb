"""The list of a tenant's users, for its administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from afterturn import page_cursors
from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_rows

_SQL = queries.load("lists")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user with the size of the memory. It has no content."""

    user_id: str
    created_at: datetime
    #: When the last turn was archived; None if there is none.
    last_active_at: datetime | None
    sessions: int
    current_facts: int
    #: Pass it to `read_users` to get the users that follow this one.
    cursor: str


def read_users(tenant_id: str, *, prefix: str | None, limit: int, cursor: str | None) -> Steps[list[User]]:
    """Return the tenant's users in the order of their ids. Users who are being forgotten are left out.

    Args:
        tenant_id: the tenant.
        prefix: only users whose ids begin with this.
        limit: the largest number of users.
        cursor: the cursor of the last user of the previous page.

    Raises InvalidInput.
    """
    parts: tuple[Any, ...] = ("users", tenant_id, prefix)
    place = page_cursors.decode(parts, cursor, size=1)
    arguments = {"tenant_id": tenant_id, "prefix": prefix, "after": place and place[0], "limit": limit}
    rows = yield from read_rows(Statement(_SQL["users"], arguments))
    return [User(**row, cursor=page_cursors.encode(parts, row["user_id"])) for row in rows]
