"""Items: the facts, episodes and turns that have vectors, each with a name in the table `vectors`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pgvector import HalfVector

from afterturn.database import queries
from afterturn.redaction import credentials
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

if TYPE_CHECKING:
    from afterturn.database.pool import Connection
    from afterturn.embedding.spaces import EmbeddingSpace

_SQL = queries.load("vectors")

#: Characters of the previous turn that are embedded together with a turn. With many more, the vectors of short turns
#: would be those of the previous turn, and long turns would exceed the model's length.
CONTEXT_CHARACTERS = 400


#: The rows of the statement that stores vectors.
_VECTORS_PER_STATEMENT = 16
_NO_VECTORS = {
    f"{column}_{number}": None for number in range(_VECTORS_PER_STATEMENT) for column in ("kind", "item", "embedding")
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One text to embed."""

    #: fact, episode or turn.
    kind: str
    #: Unique among the user's items of this kind.
    name: str
    text: str


def fact_name(fact_id: UUID) -> str:
    return str(fact_id)


def episode_name(batch_id: UUID) -> str:
    return str(batch_id)


def turn_name(session: SessionScope, position: int) -> str:
    return f"{session.session_id}/{position}"


def turn_items(session: SessionScope, turns: Sequence[Turn]) -> list[Item]:
    """Return the items of consecutive turns. Each text begins with the end of the previous turn.

    A turn such as "Yes, twice." has no meaning without it.
    """
    items = []
    before = None
    for turn in turns:
        text = f"{turn.speaker}: {turn.content}"
        if turn.content.strip() and turn.position is not None:
            items.append(Item(kind="turn", name=turn_name(session, turn.position), text=text_after(before, text)))
        before = text
    return items


def text_after(before: str | None, text: str) -> str:
    """Return the text of a turn to embed, after that of the turn before it in its batch, if there is one."""
    if before is None:
        return text
    return (before if len(before) <= CONTEXT_CHARACTERS else f"…{before[-CONTEXT_CHARACTERS:]}") + "\n" + text


def find_missing_items(
    connection: Connection, scope: UserScope, space: EmbeddingSpace, items: Sequence[Item]
) -> list[Item]:
    """Return the items that have no vector in the space."""
    rows = connection.execute(
        _SQL["with_vectors"],
        scope.key
        | {
            "space_id": space.space_id,
            "kinds": [item.kind for item in items],
            "items": [item.name for item in items],
        },
    ).fetchall()
    existing = {(row["kind"], row["item"]) for row in rows}
    return [item for item in items if (item.kind, item.name) not in existing]


def store_vectors(
    connection: Connection,
    scope: UserScope,
    space: EmbeddingSpace,
    embedded: Sequence[tuple[Item, Sequence[float]]],
) -> None:
    """Store the vectors of these items in the space."""
    owner = scope.key | {"space_id": space.space_id}
    runs = (
        embedded[start : start + _VECTORS_PER_STATEMENT] for start in range(0, len(embedded), _VECTORS_PER_STATEMENT)
    )
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add_vectors"], [owner | _columns(run) for run in runs])


def _columns(embedded: Sequence[tuple[Item, Sequence[float]]]) -> dict[str, Any]:
    """Return the arguments of the statement `add_vectors`."""
    columns: dict[str, Any] = dict(_NO_VECTORS)
    for number, (item, vector) in enumerate(embedded):
        columns |= {f"kind_{number}": item.kind, f"item_{number}": item.name, f"embedding_{number}": halfvec(vector)}
    return columns


def delete_fact_vectors(connection: Connection, scope: UserScope, fact_ids: Sequence[UUID]) -> None:
    """Delete the vectors of facts, or of candidates that did not become facts."""
    if fact_ids:
        connection.execute(
            _SQL["delete_fact_vectors"], scope.key | {"items": [fact_name(fact_id) for fact_id in fact_ids]}
        )


def halfvec(vector: Sequence[float]) -> HalfVector:
    """Return a vector as an argument of a statement: the connections of database/pool.py send it in binary."""
    return HalfVector(list(vector))


def stored_text_after(before: str | None, text: str) -> str:
    """Return the text of a stored turn to embed, like `text_after`. The answer to a question for a secret is redacted.

    Other secrets are redacted when the text is embedded.
    """
    if before is not None and credentials.asks_for_secret(before):
        text = credentials.redact_answer(text)
    return text_after(before, text)
