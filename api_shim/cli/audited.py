"""Entries in the access log for commands that show or copy the memory of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings


def record(settings: Settings, action: str, scope: UserScope) -> None:
    """Add an entry: the user of the operating system does this to a user. Raises MemoryUnavailable.

    Call it before anything is shown: what cannot be logged is not done.

    Args:
        settings: the database.
        action: such as export, facts.list.
        scope: whose memory.
    """
    from afterturn.access import access_log
    from afterturn.database.pool import worker_connection

    with worker_connection(settings) as connection:
        access_log.record(
            connection,
            action,
            actor=access_log.make_system_actor(),
            tenant_id=scope.tenant_id,
            user_id=scope.user_id,
        )
