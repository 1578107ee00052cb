"""The profile: a short digest of a user, made from current facts without a model."""

from __future__ import annotations

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

LIMIT_CHARACTERS = 1_500
_FACTS_READ = 40


def rebuild(connection: Connection, scope: UserScope) -> None:
    """Write the user's profile anew: the most important current facts, one a line, within a fixed length."""
    owner = {"tenant_id": scope.tenant_id, "user_id": scope.user_id}
    rows = connection.execute(queries.load("facts")["most_important"], owner | {"limit": _FACTS_READ}).fetchall()
    lines: list[str] = []
    length = 0
    for row in rows:
        length += len(row["text"]) + 1
        if length > LIMIT_CHARACTERS:
            break
        lines.append(row["text"])
    connection.execute(queries.load("summaries")["put_profile"], owner | {"text": "\n".join(lines)})
