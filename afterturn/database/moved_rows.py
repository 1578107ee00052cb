"""Move the rows of a user to another user: the statements are made from the tables' columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from psycopg import sql
from psycopg.types.json import Jsonb

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.user_store import UserMerge

_SQL = queries.load("merges")

#: Tables that do not move: leases end, and what is derived from a whole memory is made again.
_DROPPED = (
    "leases",
    "profiles",
    "memory_indexes",
    "index_postings",
    "index_cells",
    "judge_questions",
)
#: Tables whose rows the merge itself handles.
_ELSEWHERE = ("users", "erasures")
#: Numbers of batches in their user's order. Those of the source come after those of the target.
_BATCH_NUMBERS = {
    "batches": ("user_seq",),
    "sessions": ("applied_through", "summarized_through"),
    "episodes": ("user_seq",),
    "summaries": ("through_user_seq",),
    "digests": ("first_user_seq", "last_user_seq"),
}
#: Tables whose column `item` is "session/position" where `kind` is turn.
_ITEMS_OF_TURNS = ("vectors", "missing_vectors")


def move_rows(connection: Connection, merge: UserMerge, tables: Mapping[str, Sequence[str]]) -> Counter[str]:
    """Move all rows of the source, and return their number by table.

    A row whose name the target has already (the same key in a table of documents, for example) is dropped: that of the
    target stays. It is counted as "<table>.kept". A table that a later release adds moves by itself: a column
    `session_id` gets the new id of its session.

    Args:
        connection: in the transaction of the merge, under the locks of both users' rows.
        merge: who becomes part of whom.
        tables: table -> the columns of its primary key.
    """
    moved: Counter[str] = Counter()
    values = {
        "tenant_id": merge.source.tenant_id,
        "source": merge.source.user_id,
        "target": merge.target.user_id,
        "sessions": Jsonb(dict(merge.sessions)),
        "before": merge.batches_before,
    }
    for table, primary_key in tables.items():
        if table in _ELSEWHERE:
            continue
        if table not in _DROPPED:
            moved[table] = connection.execute(_update(connection, table, primary_key), values).rowcount
        left = connection.execute(_delete(table), values).rowcount
        if table not in _DROPPED:
            moved[f"{table}.kept"] = left
    return moved


def _update(connection: Connection, table: str, primary_key: Sequence[str]) -> sql.Composed:
    columns = [row["name"] for row in connection.execute(_SQL["columns"], {"table": table}).fetchall()]
    changed: dict[str, sql.Composable] = {"user_id": sql.SQL("%(target)s")}
    if "session_id" in columns:
        changed["session_id"] = sql.SQL("coalesce(%(sessions)s::jsonb ->> o.session_id, o.session_id)")
    if table == "agent_states":
        changed["owner_id"] = sql.SQL(
            "CASE WHEN o.scope = 'session' THEN coalesce(%(sessions)s::jsonb ->> o.owner_id, o.owner_id) "
            "ELSE o.owner_id END"
        )
    for column in _BATCH_NUMBERS.get(table, ()):
        changed[column] = sql.SQL("o.{} + %(before)s").format(sql.Identifier(column))
    if table in _ITEMS_OF_TURNS:
        changed["item"] = sql.SQL(
            "CASE WHEN o.kind = 'turn' THEN "
            "coalesce(%(sessions)s::jsonb ->> regexp_replace(o.item, '/[0-9]+$', ''), "
            "regexp_replace(o.item, '/[0-9]+$', '')) || substring(o.item FROM '/[0-9]+$') ELSE o.item END"
        )
    same_name = sql.SQL(" AND ").join(
        sql.SQL("n.{} = {}").format(sql.Identifier(column), changed.get(column, sql.Identifier("o", column)))
        for column in primary_key
    )
    return sql.SQL(
        "UPDATE {table} AS o SET {changes} WHERE o.tenant_id = %(tenant_id)s AND o.user_id = %(source)s "
        "AND NOT EXISTS (SELECT FROM {table} AS n WHERE {same_name})"
    ).format(
        table=sql.Identifier(table),
        changes=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), value) for column, value in changed.items()
        ),
        same_name=same_name,
    )


def _delete(table: str) -> sql.Composed:
    return sql.SQL("DELETE FROM {} WHERE tenant_id = %(tenant_id)s AND user_id = %(source)s").format(
        sql.Identifier(table)
    )
