"""The SQL of reading facts as data: what to ask, and how to read the answers. Whoever holds a connection runs it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput
from afterturn.facts.entered import checked_fact_id, checked_moment, checked_words
from afterturn.facts.fact import Fact, Time
from afterturn.memories import Evidence
from afterturn.scopes import UserScope

_SQL = queries.load("known_facts")


def find(
    scope: UserScope,
    *,
    subject: str | None = None,
    attribute: str | None = None,
    topic: str | None = None,
    category: str | None = None,
    include_superseded: bool = False,
    as_of: datetime | None = None,
    time: Time = "world",
    limit: int,
) -> Statement:
    """Return the statement for a user's facts, those said last first. Raises InvalidInput."""
    if time not in get_args(Time):
        raise InvalidInput(f"time must be one of {', '.join(get_args(Time))}, not {time!r}")
    if as_of is not None and include_superseded:
        raise InvalidInput("include_superseded is for what is known now; as_of says itself what was believed or true")
    names = {"subject": subject, "attribute": attribute, "topic": topic, "category": category}
    arguments: dict[str, Any] = {
        name: None if value is None else checked_words(name, value) for name, value in names.items()
    }
    now = "history" if include_superseded else "current"
    arguments["sight"] = now if as_of is None else time
    arguments["as_of"] = None if as_of is None else checked_moment("as_of", as_of)
    return Statement(_SQL["find"], scope.key | arguments | {"limit": limit})


def history(scope: UserScope, fact_id: str | UUID) -> Statement:
    """Return the statement for all versions of a fact, oldest first. Raises InvalidInput."""
    return Statement(_SQL["history"], scope.key | {"fact_id": checked_fact_id(fact_id)})


def evidence(scope: UserScope, rows: Sequence[Row]) -> Statement:
    """Return the statement for the evidence of the facts that `find` or `history` gave."""
    return Statement(_SQL["evidence"], scope.key | {"fact_ids": [row["fact_id"] for row in rows]})


def facts(rows: Sequence[Row], evidence_rows: Sequence[Row]) -> list[Fact]:
    """Return the facts, in the order of `rows`, from the answers to `find` or `history` and to `evidence`."""
    said: dict[UUID, list[Evidence]] = defaultdict(list)
    for row in evidence_rows:
        said[row["fact_id"]].append(Evidence(**{name: value for name, value in row.items() if name != "fact_id"}))
    return [_fact(row, said[row["fact_id"]]) for row in rows]


def _fact(row: Row, evidence_of_it: Sequence[Evidence]) -> Fact:
    superseded_by = row["superseded_by"]
    told = {
        "fact_id": str(row["fact_id"]),
        "topics": tuple(row["topics"]),
        "superseded_by": None if superseded_by is None else str(superseded_by),
    }
    return Fact(**{**row, **told}, evidence=tuple(evidence_of_it))
