"""Index: bring what recall searches up to date. A large memory gets an index, and a new one after it has grown.

Texts of an earlier release, which knew no languages, get the stems of their language.
"""

from __future__ import annotations

import logging

from afterturn import faults
from afterturn.batches import leases
from afterturn.database import counters, queries
from afterturn.errors import StaleLease
from afterturn.pipeline.runtime import Runtime
from afterturn.recall import stored_stems
from afterturn.recall.vector_index import building
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("vector_index")

#: A memory with at least this many turns and facts is indexed. With fewer, reading all is as fast (decision 015).
MIN_DOCUMENTS = 10_000


def index(runtime: Runtime, scope: UserScope) -> bool:
    """Index one user's memory, if that is owed and the memory is large. Returns whether it was indexed.

    Where stems are owed they are replaced first; if any have changed, a new index is owed, and made later.
    """
    faults.point("index.before_claim")
    with runtime.postgres.connection() as connection:
        lease = runtime.leases.claim(connection, scope, "index", "memory")
    if lease is None:
        return False
    faults.point("index.after_claim")
    try:
        with runtime.postgres.connection() as connection:
            if stored_stems.replace_if_owed(connection, scope):
                leases.try_release(connection, lease)
                return False
            owed = connection.execute(_SQL["owed_index"], scope.key).fetchone()
            if owed is None or owed["documents"] < MIN_DOCUMENTS:
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
        # The user's row still says that the index is owed: the sweep finds it again.
        logger.warning("the index of %s waits: %s", scope, error)
        with runtime.postgres.connection() as connection:
            counters.increment(connection, counters.STALE_WRITES_REFUSED)
        return False
    finally:
        runtime.leases.forget(lease)
    faults.point("index.after_commit")
    return True
