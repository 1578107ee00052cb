"""Add the texts of the cold archive to exported rows of turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from afterturn.cold import reading
from afterturn.database import pool
from afterturn.errors import ColdUnavailable
from afterturn.scopes import UserScope
from afterturn.settings import Settings


def make_completion(settings: Settings) -> Callable[[UserScope, Sequence[dict[str, Any]]], None]:
    """Return the function that adds the texts to rows of a user's turns.

    A row whose object is damaged or missing gets the code of the error as `away`. The function raises ColdUnavailable
    if the store does not answer.
    """

    def complete(user: UserScope, rows: Sequence[dict[str, Any]]) -> None:
        # The export reads a snapshot. What was restored since is found by a connection of its own.
        with pool.worker_connection(settings) as connection:
            places = [(row["session_id"], row["position"]) for row in rows]
            texts = reading.read_with(connection, settings.cold_url, user, places, with_removed=True)
        for row in rows:
            place = (row["session_id"], row["position"])
            error = texts.away.get(place)
            if isinstance(error, ColdUnavailable):
                raise error
            row["content"] = texts.contents.get(place, "")
            if error is not None:
                row["away"] = error.code

    return complete
