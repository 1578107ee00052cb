"""Missing vectors: facts, episodes and turns that lack the vector of their text.

The embedder refused it while it embedded others, or the text was made without a call: a united fact, an episode that
was rewritten. They are found by their words, and a united fact also by the middle of the vectors of its parts. One that
may pass is tried again later; one that will not, or that failed too often, is a dead letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from afterturn.database import queries
from afterturn.embedding.items import Item, stored_text_after, turn_name
from afterturn.scopes import SessionScope, UserScope

if TYPE_CHECKING:
    from afterturn.database.pool import Connection
    from afterturn.embedding.isolation import Refusal
    from afterturn.embedding.spaces import EmbeddingSpace

_SQL = queries.load("missing_vectors")

#: How long a text that may pass waits for its next attempt, times the number of attempts so far.
RETRY_SECONDS = 60.0


def add(
    connection: Connection,
    session: SessionScope,
    batch_id: UUID,
    space: EmbeddingSpace,
    refused: Sequence[tuple[Item, Refusal]],
) -> None:
    """Note the items of a batch that have no vector in a space, in the caller's transaction."""
    rows = [
        session.key
        | {
            "batch_id": batch_id,
            "space_id": space.space_id,
            "kind": item.kind,
            "item": item.name,
            "reason": refusal.reason,
            "retry_seconds": RETRY_SECONDS if refusal.may_pass else None,
        }
        for item, refusal in refused
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add"], rows)


def owe_facts(connection: Connection, scope: UserScope, fact_ids: Sequence[UUID]) -> None:
    """Note facts whose texts were never embedded, in the caller's transaction. Their vectors are replaced."""
    connection.execute(_SQL["owe_facts"], scope.key | {"fact_ids": list(fact_ids)})


def owe_version(connection: Connection, scope: UserScope, fact_id: UUID, *, new_id: UUID) -> None:
    """Note a new version of a fact where the old one has no vector of its own, after its vectors were copied."""
    connection.execute(_SQL["owe_version"], scope.key | {"fact_id": fact_id, "new_id": new_id})


def owe_episode(connection: Connection, scope: UserScope, batch_id: UUID) -> None:
    """Note the episode of a batch, if there is one, after its text was changed and its vectors were deleted."""
    connection.execute(_SQL["owe_episode"], scope.key | {"batch_id": batch_id})


def owe_turn(connection: Connection, session: SessionScope, batch_id: UUID, position: int) -> None:
    """Delete the vectors of a turn that were made of a text which is gone, and note it."""
    turn = {"item": turn_name(session, position), "batch_id": batch_id}
    connection.execute(_SQL["owe_turn"], session.key | turn)


def claim_due(connection: Connection, *, limit: int, hint_seconds: float) -> list[UserScope]:
    """Return users who have missing vectors that are due, and let them be due again after these seconds."""
    rows = connection.execute(_SQL["claim_due"], {"limit": limit, "retry_seconds": hint_seconds}).fetchall()
    return list(dict.fromkeys(UserScope(row["tenant_id"], row["user_id"]) for row in rows))


def lock_user(connection: Connection, scope: UserScope) -> None:
    """Lock the user's row: no turn of the user is taken back until the end of the transaction."""
    connection.execute(_SQL["lock_user"], scope.key)


def read_owed(connection: Connection, scope: UserScope, *, limit: int) -> dict[int, list[Item]]:
    """Return the items of a user that are to be tried again, by space. Those that do not exist any more are deleted."""
    connection.execute(_SQL["delete_gone"], scope.key)
    items: dict[int, list[Item]] = {}
    for row in connection.execute(_SQL["owed"], scope.key | {"limit": limit}).fetchall():
        item = Item(kind=row["kind"], name=row["item"], text=stored_text_after(row["before"], row["text"]))
        items.setdefault(row["space_id"], []).append(item)
    return items


def delete_provisional(
    connection: Connection, scope: UserScope, space: EmbeddingSpace, embedded: Sequence[Item]
) -> None:
    """Delete the vectors that these items have in a space in place of their own."""
    named = {"kinds": [item.kind for item in embedded], "items": [item.name for item in embedded]}
    connection.execute(_SQL["delete_provisional"], scope.key | {"space_id": space.space_id} | named)


def settle(
    connection: Connection,
    scope: UserScope,
    space: EmbeddingSpace,
    embedded: Sequence[Item],
    refused: Sequence[tuple[Item, Refusal]],
    *,
    attempts: int,
) -> None:
    """Delete the rows of items that have a vector now, and count an attempt of the others.

    Args:
        connection: in the transaction that stores the vectors.
        scope: the user.
        space: the space.
        embedded: the items with a vector.
        refused: the items without one, with the reasons.
        attempts: an item that failed this often is dead.
    """
    key = scope.key | {"space_id": space.space_id}
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["delete"], [key | {"kind": item.kind, "item": item.name} for item in embedded])
        rows = [
            key
            | {
                "kind": item.kind,
                "item": item.name,
                "reason": refusal.reason,
                "attempts": attempts if refusal.may_pass else 0,
                "retry_seconds": RETRY_SECONDS,
            }
            for item, refusal in refused
        ]
        cursor.executemany(_SQL["failed_again"], rows)


def replay(connection: Connection, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Let dead ones be tried again, in the caller's transaction. Returns their rows."""
    return connection.execute(_SQL["replay"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()


def discard(connection: Connection, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Discard dead ones, in the caller's transaction. Returns their rows."""
    return connection.execute(_SQL["discard"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()
