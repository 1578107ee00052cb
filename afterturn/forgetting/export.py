"""Export: everything that is held of a user, as JSON-able records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn.scopes import UserScope
from afterturn.user_store import Record, UserStore


def records(stores: Sequence[UserStore], user: UserScope) -> Iterator[Record]:
    """Yield all that these stores have of a user, one record at a time, store by store.

    The values of a record of Redis are {"key": kind of key, "row": …}, of one of Postgres {"table": name, "row": …}
    with the row's columns; times are in ISO 8601, vectors are lists of numbers. The tables are read as of one moment.

    Args:
        stores: `stores.every`.
        user: whose memory.
    """
    for store in stores:
        yield from store.records(user)
