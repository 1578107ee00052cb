"""The one list of the stores that hold things of users. Export, forget and scrub go over it."""

from __future__ import annotations

import redis

from afterturn.database.user_tables import UserTables
from afterturn.hot.user_keys import UserKeys
from afterturn.settings import Settings
from afterturn.user_store import UserStore


def every(settings: Settings, client: redis.Redis) -> tuple[UserStore, ...]:
    """Return every store, in the order in which things move from one to the next: the hot store first, Postgres last.

    An export reads them in this order, so that what moves on meanwhile is in two of them rather than in none.

    Args:
        settings: where the servers are. Nothing is opened.
        client: of the hot store.
    """
    return UserKeys(client), UserTables(settings)
