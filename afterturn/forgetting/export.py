"""Export: everything that is held of a user, as JSON-able records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import redis

from afterturn.database import user_tables
from afterturn.database.pool import Connection
from afterturn.hot import user_keys
from afterturn.scopes import UserScope


def records(client: redis.Redis, connection: Connection, scope: UserScope) -> Iterator[dict[str, Any]]:
    """Yield all that Redis and Postgres hold of a user, one record at a time.

    A record of Redis is {"key": kind of key, "row": …}, one of Postgres {"table": name, "row": …} with the row's
    columns; times are in ISO 8601, vectors are lists of numbers. Redis is read first, so that a turn that is archived
    meanwhile is in both rather than in neither; the tables are read as of one moment.

    Args:
        client: the hot store.
        connection: of the workers' role, which sees every table.
        scope: whose memory.
    """
    for kind, held_row in user_keys.records(client, scope):
        yield {"key": kind, "row": held_row}
    for table, row in user_tables.rows(connection, scope):
        if table == "vectors":
            row["embedding"] = json.loads(row["embedding"])
        yield {"table": table, "row": row}
