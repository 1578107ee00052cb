"""What one embedding space has and another lacks: the items of a user, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from afterturn.database import queries
from afterturn.embedding.items import Item, stored_text_after
from afterturn.scopes import SessionScope, UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection

_SQL = queries.load("spaces")


@dataclass(frozen=True, slots=True, order=True)
class ItemName:
    """The kind and the name of an item, in the order of the table."""

    kind: str
    name: str


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
    connection: Connection, scope: UserScope, names: Sequence[ItemName], *, source: int
) -> list[SourcedItem]:
    """Return these items with their texts, without those that the space `source` has no longer."""
    arguments = {"kinds": [name.kind for name in names], "items": [name.name for name in names], "source": source}
    rows = connection.execute(_SQL["texts"], scope.key | arguments).fetchall()
    found = {
        ItemName(row["kind"], row["item"]): SourcedItem(
            item=Item(kind=row["kind"], name=row["item"], text=stored_text_after(row["before"], row["text"])),
            session=SessionScope(scope.tenant_id, scope.user_id, row["session_id"]),
            batch_id=row["batch_id"],
        )
        for row in rows
    }
    return [found[name] for name in names if name in found]
