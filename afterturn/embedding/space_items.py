"""What one embedding space has and another lacks: the items of a user, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from afterturn.cold import reading
from afterturn.cold.reading import ColdTexts
from afterturn.database import queries
from afterturn.embedding.items import Item, stored_text_after
from afterturn.errors import ColdUnavailable
from afterturn.scopes import SessionScope, UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection

_SQL = queries.load("spaces")


@dataclass(frozen=True, slots=True, order=True)
class ItemName:
    """The kind and the name of an item, in the order of the table."""

    kind: str
    name: str


_NO_TEXTS = ColdTexts()

#: Before all items.
START = ItemName("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some items of a space, in order."""

    #: Those that the other space lacks.
    missing: list[ItemName]
    #: The last of all; None after the end.
    last: ItemName | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcedItem:
    """An item with the batch that it comes from."""

    item: Item
    session: SessionScope
    batch_id: UUID

    @property
    def name(self) -> ItemName:
        return ItemName(self.item.kind, self.item.name)


def read_cold_texts(
    connection: Connection, scope: UserScope, names: Sequence[ItemName], *, source: int, cold_url: str | None
) -> ColdTexts:
    """Return the texts of those of these items, and of the turns before them, that are in the cold archive.

    Raises ColdUnavailable.
    """
    rows = connection.execute(_SQL["texts"], scope.key | _arguments(names, source)).fetchall()
    places = [
        (row["turn_session_id"], row["position"] - behind)
        for row in rows
        for behind, is_cold in ((0, row["is_cold"]), (1, row["is_before_cold"]))
        if is_cold
    ]
    if not places:
        return _NO_TEXTS
    texts = reading.read_with(connection, cold_url, scope, places)
    for error in texts.away.values():
        if isinstance(error, ColdUnavailable):
            raise error
    return texts


def _arguments(names: Sequence[ItemName], source: int) -> dict[str, Any]:
    return {"kinds": [name.kind for name in names], "items": [name.name for name in names], "source": source}


def _with_cold_text(row: dict[str, Any], texts: ColdTexts) -> dict[str, Any]:
    """Return a row with the texts that are in the cold archive."""
    session_id, position = row["turn_session_id"], row["position"]
    own = texts.contents.get((session_id, position), "") if row["is_cold"] else ""
    before = texts.contents.get((session_id, position - 1), "") if row["is_before_cold"] else ""
    return row | {"text": row["text"] + own, "before": row["before"] + before if before else row["before"]}


def read_page(
    connection: Connection, scope: UserScope, *, source: int, target: int, after: ItemName, limit: int
) -> Page:
    """Return the next items of the space `source`, and which of them the space `target` lacks."""
    arguments = {"source": source, "target": target, "limit": limit, "after_kind": after.kind, "after_item": after.name}
    rows = connection.execute(_SQL["page"], scope.key | arguments).fetchall()
    names = [ItemName(row["kind"], row["item"]) for row in rows]
    missing = [name for name, row in zip(names, rows, strict=True) if row["is_missing"]]
    return Page(missing=missing, last=names[-1] if names else None)


def read_items(
    connection: Connection,
    scope: UserScope,
    names: Sequence[ItemName],
    *,
    source: int,
    texts: ColdTexts = _NO_TEXTS,
) -> list[SourcedItem]:
    """Return these items with their texts, without those that the space `source` has no longer.

    Args:
        connection: to the database.
        scope: whose items.
        names: which ones.
        source: the space that has them, or was refused them.
        texts: the texts of turns in the cold archive (`read_cold_texts`). A turn that is away is left out.
    """
    arguments = _arguments(names, source)
    rows = connection.execute(_SQL["texts"], scope.key | arguments).fetchall()
    rows = [_with_cold_text(row, texts) for row in rows if (row["turn_session_id"], row["position"]) not in texts.away]
    found = {
        ItemName(row["kind"], row["item"]): SourcedItem(
            item=Item(kind=row["kind"], name=row["item"], text=stored_text_after(row["before"], row["text"])),
            session=SessionScope(scope.tenant_id, scope.user_id, row["session_id"]),
            batch_id=row["batch_id"],
        )
        for row in rows
    }
    return [found[name] for name in names if name in found]
