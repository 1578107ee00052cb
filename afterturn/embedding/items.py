"""What has vectors: facts, episodes and turns, each under its own name in the `vectors` table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic_core import to_json

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

_SQL = queries.load("vectors")

#: How much of the turn before is embedded with a turn. Much more would drown short turns, and push the end of long ones
#: out of what a model reads.
CONTEXT_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One text to embed."""

    #: fact, episode or turn.
    kind: str
    #: Its name among the user's vectors of that kind.
    name: str
    text: str


def fact_name(fact_id: UUID) -> str:
    return str(fact_id)


def episode_name(batch_id: UUID) -> str:
    return str(batch_id)


def turn_name(session: SessionScope, position: int) -> str:
    return f"{session.session_id}/{position}"


def of_turns(session: SessionScope, turns: Sequence[Turn]) -> list[Item]:
    """Return consecutive turns as texts to embed, each after the end of what was said before it: "Yes, twice." says
    nothing by itself."""
    found = []
    before = ""
    for turn in turns:
        said = f"{turn.speaker}: {turn.content}"
        if turn.content.strip() and turn.position is not None:
            found.append(Item(kind="turn", name=turn_name(session, turn.position), text=before + said))
        before = (said if len(said) <= CONTEXT_CHARACTERS else f"…{said[-CONTEXT_CHARACTERS:]}") + "\n"
    return found


def missing(connection: Connection, scope: UserScope, space: EmbeddingSpace, wanted: Sequence[Item]) -> list[Item]:
    """Return those of `wanted` that have no vector in the space."""
    rows = connection.execute(
        _SQL["with_vectors"],
        scope.key
        | {
            "space_id": space.space_id,
            "kinds": [item.kind for item in wanted],
            "items": [item.name for item in wanted],
        },
    ).fetchall()
    known = {(row["kind"], row["item"]) for row in rows}
    return [item for item in wanted if (item.kind, item.name) not in known]


def add(
    connection: Connection,
    scope: UserScope,
    space: EmbeddingSpace,
    embedded: Sequence[tuple[Item, Sequence[float]]],
) -> None:
    """Keep the vectors of these items in the space."""
    rows = [
        scope.key
        | {
            "space_id": space.space_id,
            "kind": item.kind,
            "item": item.name,
            "embedding": to_text(vector),
        }
        for item, vector in embedded
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add_vector"], rows)


def drop_facts(connection: Connection, scope: UserScope, fact_ids: Sequence[UUID]) -> None:
    """Remove the vectors of candidates that did not become facts of their own."""
    if fact_ids:
        connection.execute(
            _SQL["delete_fact_vectors"], scope.key | {"items": [fact_name(fact_id) for fact_id in fact_ids]}
        )


def to_text(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it: as a JSON array, which is fast to write."""
    return to_json(vector).decode()
