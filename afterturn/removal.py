"""Undo: a turn is taken back, and with it what rests on it alone."""

from __future__ import annotations

from afterturn.database.pool import Connection
from afterturn.scopes import SessionScope


def remove(connection: Connection, session: SessionScope, turn_id: str) -> None:
    """Take back one archived turn, in the archive's transaction, under the user's and the session's lock."""
    connection.execute(
        "UPDATE turns SET removed_at = now() WHERE tenant_id = %s AND user_id = %s AND session_id = %s "
        "AND turn_id = %s AND removed_at IS NULL",
        (session.tenant_id, session.user_id, session.session_id, turn_id),
    )
