"""The list of all stores with data of users. Export, forget and scrub use this list."""

from __future__ import annotations

import redis

from afterturn.cold import exporting
from afterturn.cold.user_objects import ColdObjects
from afterturn.database.user_tables import UserTables
from afterturn.hot.user_keys import UserKeys
from afterturn.settings import Settings
from afterturn.user_store import UserStore


def list_user_stores(settings: Settings, client: redis.Redis) -> tuple[UserStore, ...]:
    """Return all stores in the order in which data moves between them: Redis, Postgres, the cold archive.

    An export reads them in this order, so that data that moves meanwhile is exported twice rather than missed.

    Args:
        settings: the addresses of the servers. No connection is opened.
        client: Redis.
    """
    tables = UserTables(settings, complete_turns=exporting.make_completion(settings))
    return UserKeys(client), tables, ColdObjects(settings)
