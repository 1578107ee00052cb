"""Pages of lists: the parameters `limit` and `cursor`, and the cursor of the next page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import Query

from afterturn.page_cursors import MAX_CURSOR_CHARACTERS

Limit = Annotated[int, Query(ge=1, le=1_000, description="the largest number of entries of a page")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=MAX_CURSOR_CHARACTERS,
        description="next_cursor of the previous page. All other parameters must be the same",
    ),
]


class _Entry(Protocol):
    @property
    def cursor(self) -> str | None: ...


def next_cursor(entries: Sequence[_Entry], limit: int) -> str | None:
    """Return the cursor of the page after these entries; None if it has fewer entries than were asked for."""
    return entries[-1].cursor if len(entries) == limit else None
