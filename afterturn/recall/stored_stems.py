"""Replace the stems of texts that were stored before the language of each text was detected.

Until then these texts are found by their stems of English, because a question is stemmed in all languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.languages import stemming, texts
from afterturn.languages.texts import StemInput
from afterturn.recall.vector_index import building
from afterturn.scopes import UserScope

_SQL = queries.load("stored_stems")

#: Texts of one statement, which is a transaction. More: their rows are locked for longer.
TEXTS_PER_STATEMENT = 200


def replace_if_owed(connection: Connection, scope: UserScope) -> bool:
    """Replace the stems of one user's texts, if that is owed. Returns whether any have changed.

    The memory's index is dropped then: it has the old stems. It may be repeated at any time, and by several at once.

    Args:
        connection: not in a transaction.
        scope: whose texts.
    """
    row = connection.execute(_SQL["owes_stems"], scope.key).fetchone()
    if row is None or not row["owes_stems"]:
        return False
    changed = _replace_turns(connection, scope)
    for kind in ("facts", "episodes"):
        changed += _replace(connection, scope, kind)
    with connection.transaction():
        connection.execute(_SQL["mark_replaced"], scope.key | {"began_at": row["now"]})
        if changed:
            building.drop_index(connection, scope)
    return changed > 0


def _replace_turns(connection: Connection, scope: UserScope) -> int:
    changed, after_session, after_position = 0, "", 0
    while True:
        page = {"after_session": after_session, "after_position": after_position, "limit": TEXTS_PER_STATEMENT}
        rows = connection.execute(_SQL["next_turns"], scope.key | page).fetchall()
        if not rows:
            return changed
        keys = {"sessions": [row["session_id"] for row in rows], "positions": [row["position"] for row in rows]}
        inputs = [stemming.turn_input(row["name"], row["content"]) for row in rows]
        changed += _update(connection, scope, "turns", keys, inputs)
        after_session, after_position = rows[-1]["session_id"], rows[-1]["position"]


def _replace(connection: Connection, scope: UserScope, kind: str) -> int:
    changed, after = 0, None
    while True:
        page = {"after": after, "limit": TEXTS_PER_STATEMENT}
        rows = connection.execute(_SQL[f"next_{kind}"], scope.key | page).fetchall()
        if not rows:
            return changed
        inputs = [
            stemming.fact_input(row["text"])
            if kind == "facts"
            else stemming.episode_input(row["title"], row["summary"])
            for row in rows
        ]
        changed += _update(connection, scope, kind, {"items": [row["item"] for row in rows]}, inputs)
        after = rows[-1]["item"]


def _update(
    connection: Connection, scope: UserScope, kind: str, keys: dict[str, list[Any]], inputs: Sequence[StemInput]
) -> int:
    return connection.execute(_SQL[f"replace_{kind}"], scope.key | keys | texts.as_columns(inputs)).rowcount
