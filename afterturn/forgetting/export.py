"""Export: all data of a user, as records of JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from afterturn.scopes import UserScope
from afterturn.user_store import Record, UserStore


def export_records(stores: Sequence[UserStore], user: UserScope) -> Iterator[Record]:
    """Yield all data of a user in these stores, record by record.

    The values of a record of Redis are {"key": kind of key, "row": …}, of one of Postgres {"table": name, "row": …}
    with the row's columns. Times are in ISO 8601, vectors are lists of numbers. The tables are read in one snapshot.

    Args:
        stores: `stores.list_user_stores`.
        user: the user to export.
    """
    for store in stores:
        yield from store.records(user)
