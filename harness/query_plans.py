"""Check with PostgreSQL's query plans that the periodic queries read only open rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, LiteralString, cast

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.pipeline.runtime import Runtime

#: The queries of each sweep. Its connections stay open, so a plan must be good for all arguments.
SWEEP: tuple[tuple[str, dict[str, Any]], ...] = (
    ("look", {"sleep_seconds": 86_400.0, "has_cold_store": True}),
    ("cut_due", {"limit": 200}),
    *(
        ("lapsed_batches", {"hint_seconds": 30.0, "limit": 500, "step": step})
        for step in ("pending", "extracted", "unjudged", "embedded")
    ),
    *(
        ("fresh_batches", {"limit": 500, "step": step, "after": "", "in_order_seconds": 600.0})
        for step in ("pending", "extracted", "unjudged", "embedded")
    ),
    ("owed_summaries", {"hint_seconds": 30.0, "limit": 500}),
    ("owed_indexes", {"hint_seconds": 30.0, "limit": 4}),
    ("end_pauses", {"limit": 1000}),
)
_TYPES = {
    "has_cold_store": "boolean",
    "sleep_seconds": "float8",
    "limit": "bigint",
    "hint_seconds": "float8",
    "step": "text",
    "after": "text",
    "in_order_seconds": "float8",
}

#: The queries of `afterturn status` for all users, each once per connection.
_EVERYBODY = {"tenant_id": None, "user_id": None}
STATUS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("backlog", name, _EVERYBODY | {"redis_now": None}) for name in ("uncut", "batches")),
    *(("backlog", name, _EVERYBODY) for name in ("summaries", "erasures", "discarded")),
    ("progress", "dead_reasons", _EVERYBODY),
    ("progress", "freshness", _EVERYBODY | {"seconds": 900.0}),
    ("progress", "stage_delays", _EVERYBODY | {"seconds": 900.0}),
)

#: Tables that grow with users and turns. A query that scans one becomes slower with each of them.
GROWING = frozenset({"users", "sessions", "turns", "batches", "summaries", "episodes", "facts", "llm_calls"})


def sequential_scans(runtime: Runtime) -> list[str]:
    """Return each growing table that a query scans as a whole, with the query's name."""
    with runtime.postgres.connection() as connection:
        return [*_of_sweep(connection), *_of_status(connection)]


def _of_sweep(connection: Connection) -> Iterator[str]:
    for mode in ("force_custom_plan", "force_generic_plan"):
        connection.execute("SELECT set_config('plan_cache_mode', %s, false)", (mode,))
        for name, arguments in SWEEP:
            yield from _scans(f"sweep.{name}, {mode}", _prepared_plan(connection, name, arguments))
    connection.execute("RESET plan_cache_mode")


def _prepared_plan(connection: Connection, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the plan of a query as a prepared statement."""
    names = list(arguments)
    text = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", queries.load("sweep")[name])
    types = ", ".join(_TYPES[name] for name in names)
    values = ", ".join(repr(arguments[name]) for name in names)
    connection.execute(f"PREPARE examined ({types}) AS {text}")
    try:
        return _plan(connection, f"EXPLAIN (FORMAT JSON) EXECUTE examined ({values})", {})
    finally:
        connection.execute("DEALLOCATE examined")


def _of_status(connection: Connection) -> Iterator[str]:
    for file, name, arguments in STATUS:
        plan = _plan(connection, "EXPLAIN (FORMAT JSON) " + queries.load(file)[name], arguments)
        yield from _scans(f"{file}.{name}", plan)


def _plan(connection: Connection, explain: LiteralString, arguments: dict[str, Any]) -> dict[str, Any]:
    row = connection.execute(explain, arguments or None, prepare=False).fetchone()
    assert row is not None, "EXPLAIN returns one row"
    return cast(dict[str, Any], row["QUERY PLAN"][0]["Plan"])


def _scans(query: str, plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in GROWING:
        yield f"{query}: {plan['Relation Name']}"
    for child in plan.get("Plans", ()):
        yield from _scans(query, child)
