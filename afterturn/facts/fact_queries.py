"""SQL statements that read facts, as data, and the parsing of their rows. The client executes them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from afterturn import lives, page_cursors
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput
from afterturn.facts.fact import Contradiction, Fact, TimeAxis
from afterturn.facts.validation import validate_datetime, validate_fact_id, validate_life, validate_short_text
from afterturn.lives import Times
from afterturn.memories import Evidence
from afterturn.scopes import UserScope

_SQL = queries.load("known_facts")


def facts_statement(
    scope: UserScope,
    *,
    subject: str | None = None,
    attribute: str | None = None,
    topic: str | None = None,
    category: str | None = None,
    life: str | None = None,
    include_superseded: bool = False,
    include_faded: bool = False,
    as_of: datetime | None = None,
    time: TimeAxis = "world",
    cursor: str | None = None,
    limit: int,
) -> Statement:
    """Return the statement that reads a user's facts, those said last first.

    Args:
        scope: whose facts.
        subject: only facts about this person or thing; upper or lower case.
        attribute: only facts with this attribute.
        topic: only facts with this topic.
        category: only facts of this category.
        life: only facts with this life.
        include_superseded: also facts that another one replaced, and facts that have faded. Not together with `as_of`.
        include_faded: also facts that have faded.
        as_of: the facts at this time instead of the current ones.
        time: which of a fact's two times `as_of` is compared with.
        cursor: the cursor of the last fact of the previous page.
        limit: the largest number of facts.

    Raises InvalidInput.
    """
    if time not in get_args(TimeAxis):
        raise InvalidInput(f"time must be one of {', '.join(get_args(TimeAxis))}, not {time!r}")
    if as_of is not None and include_superseded:
        raise InvalidInput("include_superseded and as_of cannot be used together: as_of selects facts of one time")
    filters = {"subject": subject, "attribute": attribute, "topic": topic, "category": category}
    arguments: dict[str, Any] = {
        name: None if value is None else validate_short_text(name, value) for name, value in filters.items()
    }
    view_now = "history" if include_superseded else "current"
    arguments["life"] = None if life is None else validate_life(life)
    arguments["include_faded"] = include_faded or include_superseded
    arguments["view"] = view_now if as_of is None else time
    arguments["as_of"] = None if as_of is None else validate_datetime("as_of", as_of)
    place = page_cursors.decode(_list_parts(scope, arguments), cursor, size=2)
    after_time, after_id = (None, None) if place is None else (page_cursors.parse_time(place[0]), place[1])
    arguments |= {
        "after_time": after_time,
        "after_id": None if after_id is None else validate_fact_id(after_id),
        "limit": limit,
    }
    return Statement(_SQL["facts"], scope.key | arguments)


def add_cursors(scope: UserScope, statement: Statement, facts: Sequence[Fact]) -> list[Fact]:
    """Return the facts that a statement of `facts_statement` read, each with the cursor of its list."""
    parts = _list_parts(scope, statement.arguments)
    return [replace(fact, cursor=page_cursors.encode(parts, fact.said_at.isoformat(), fact.fact_id)) for fact in facts]


def _list_parts(scope: UserScope, arguments: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("subject", "attribute", "topic", "category", "life", "include_faded", "view", "as_of")
    filters = (arguments[name] for name in names)
    return ("facts", scope.tenant_id, scope.user_id, *filters)


def history_statement(scope: UserScope, fact_id: str | UUID) -> Statement:
    """Return the statement that reads all versions of a fact, oldest first. Raises InvalidInput."""
    return Statement(_SQL["history"], scope.key | {"fact_id": validate_fact_id(fact_id)})


def contradictions_statement(scope: UserScope, *, limit: int) -> Statement:
    """Return the statement that reads the pairs of facts that contradict each other."""
    return Statement(_SQL["contradictions"], scope.key | {"limit": limit})


def by_id_statement(scope: UserScope, fact_ids: Sequence[UUID]) -> Statement:
    """Return the statement that reads current facts by id, in the order in which they were said."""
    return Statement(_SQL["by_id"], scope.key | {"fact_ids": list(fact_ids)})


def pair_contradictions(rows: Sequence[Row], facts: Sequence[Fact]) -> list[Contradiction]:
    """Return the contradictions of these rows whose two facts are known.

    Args:
        rows: the rows of `contradictions_statement`.
        facts: their facts, in the order in which they were said.
    """
    found = []
    for row in rows:
        ids = {str(row["fact_id"]), str(row["other_id"])}
        pair = [fact for fact in facts if fact.fact_id in ids]
        if len(pair) == 2:
            found.append(Contradiction(facts=(pair[0], pair[1]), found_at=row["found_at"]))
    return found


def has_fact_statements(scope: UserScope, fact_id: UUID) -> list[Statement]:
    """Return the statements that find a fact, and the edits that are not applied yet."""
    return [Statement(_SQL["fact"], scope.key | {"fact_id": fact_id}), Statement(_SQL["unapplied_edits"], scope.key)]


def evidence_statement(scope: UserScope, fact_rows: Sequence[Row]) -> Statement:
    """Return the statement that reads the evidence of the facts in these rows."""
    return Statement(_SQL["evidence"], scope.key | {"fact_ids": [row["fact_id"] for row in fact_rows]})


def parse_facts(fact_rows: Sequence[Row], evidence_rows: Sequence[Row]) -> list[Fact]:
    """Return the facts, in the order of `fact_rows`, each with its evidence from `evidence_rows`."""
    evidence: dict[UUID, list[Evidence]] = defaultdict(list)
    for row in evidence_rows:
        evidence[row["fact_id"]].append(Evidence(**{name: value for name, value in row.items() if name != "fact_id"}))
    return [_parse_fact(row, evidence[row["fact_id"]]) for row in fact_rows]


def _parse_fact(row: Row, evidence: Sequence[Evidence]) -> Fact:
    superseded_by = row["superseded_by"]
    columns = dict(row)
    first_said_at, clock = columns.pop("first_said_at"), columns.pop("clock")
    times = Times(
        valid_from=row["valid_from"], valid_to=row["valid_to"], said_at=row["said_at"], first_said_at=first_said_at
    )
    converted = {
        "is_outcome_unknown": row["status"] == "current" and lives.is_outcome_unknown(row["life"], times, clock),
        "fact_id": str(row["fact_id"]),
        "topics": tuple(row["topics"]),
        "superseded_by": None if superseded_by is None else str(superseded_by),
    }
    return Fact(**{**columns, **converted}, evidence=tuple(evidence))
