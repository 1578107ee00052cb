"""Index: a memory that has become large gets an index, and a new one after it has grown."""

from __future__ import annotations

import logging

from afterturn import faults
from afterturn.batches import leases
from afterturn.database import counters, queries
from afterturn.errors import StaleLease
from afterturn.pipeline.runtime import Runtime
from afterturn.recall.vector_index import building
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("vector_index")

#: Turns and facts from which on a memory is indexed. Of fewer, all are read as fast (decision 015).
LARGE = 10_000


def index(runtime: Runtime, scope: UserScope) -> bool:
    """Index one user's memory, where that is owed and it is large. Returns whether it was."""
    faults.point("index.before_claim")
    with runtime.postgres.connection() as connection:
        lease = runtime.leases.claim(connection, scope, "index", "memory")
    if lease is None:
        return False
    faults.point("index.after_claim")
    try:
        with runtime.postgres.connection() as connection:
            owed = connection.execute(_SQL["owed_index"], scope.key).fetchone()
            if owed is None or owed["documents"] < LARGE:
                if owed is not None:
                    connection.execute(_SQL["mark_indexed"], scope.key | {"user_seq": owed["next_user_seq"]})
                leases.try_release(connection, lease)
                return False
            building.build_index(
                connection,
                scope,
                lease,
                space_id=owed["space_id"],
                read_at=owed["now"],
                user_seq=owed["next_user_seq"],
            )
    except StaleLease as error:
        # The debt stays in the user row: the sweep finds it again.
        logger.warning("the index of %s waits: %s", scope, error)
        with runtime.postgres.connection() as connection:
            counters.increment(connection, counters.STALE_WRITES_REFUSED)
        return False
    finally:
        runtime.leases.forget(lease)
    faults.point("index.after_commit")
    return True
