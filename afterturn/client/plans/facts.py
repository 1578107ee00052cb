"""`facts`, `fact_history` and `contradictions`: facts by filters or by id, each with its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from afterturn import ids
from afterturn.client.effects import Plan, ReadPostgres, ReadRedis, one_round_trip
from afterturn.client.limits import validate_limit
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Row, Statement, Steps
from afterturn.errors import MemoryUnavailable
from afterturn.facts import edits, fact, fact_queries, validation
from afterturn.facts.fact import Contradiction, Fact
from afterturn.hot import pending
from afterturn.scopes import UserScope

#: The number of pending edits that are searched for the fact of an edit. Edits are archived within about a second.
_EDITS_READ = 1_000


def facts(session: ClientSession, *, limit: int, cursor: str | None = None, **filters: Any) -> Plan[list[Fact]]:
    """Return facts, the most recently said first. Fewer than `limit` means that no others follow. Raises InvalidInput.

    Args:
        session: the session of the client; the facts are those of its user.
        limit: the largest number of facts, 1 to 1,000.
        cursor: the cursor of the last fact of the previous page.
        filters: the other arguments of `fact_queries.facts_statement`.
    """
    validate_limit(limit)
    user, found = session.scope.user, list[Fact]()
    hidden = yield from hot.read_hidden(session)
    while len(found) < limit:
        asked = limit - len(found)
        statement = fact_queries.facts_statement(user, **filters, cursor=cursor, limit=asked)
        read = yield from ReadPostgres(user, _fact_steps(user, statement))
        read = fact_queries.add_cursors(user, statement, read)
        found += fact.exclude_turns(read, hidden)
        if len(read) < asked:
            break
        cursor = read[-1].cursor
    return found


def fact_history(session: ClientSession, fact_id: str | UUID) -> Plan[list[Fact]]:
    """Return all versions of a fact, oldest first. Raises InvalidInput."""
    return (yield from _read_facts(session, fact_queries.history_statement(session.scope.user, fact_id)))


def contradictions(session: ClientSession, *, limit: int) -> Plan[list[Contradiction]]:
    """Return the pairs of current facts that contradict each other, those found last first. Raises InvalidInput.

    Args:
        session: the session of the client; the facts are those of its user.
        limit: the largest number of pairs, 1 to 1,000.
    """
    validate_limit(limit)
    hidden = yield from hot.read_hidden(session)
    rows, read = yield from ReadPostgres(session.scope.user, _contradiction_steps(session.scope.user, limit))
    return fact_queries.pair_contradictions(rows, fact.exclude_turns(read, hidden))


def has_fact(session: ClientSession, fact_id: str | UUID) -> Plan[bool]:
    """Return whether the user has this fact, or an edit that is not applied yet adds it. Raises InvalidInput.

    True if Postgres is unavailable: then only the edit itself can find out.
    """
    target, user = validation.validate_fact_id(fact_id), session.scope.user
    # Redis first: an edit that is archived between the two reads is found in Postgres.
    [rows] = yield from ReadRedis((("XREVRANGE", session.edits_pending_key, "+", "-", "COUNT", _EDITS_READ),))
    pending_edits = [turn for turn in pending.pending_turns(rows) if turn.role == edits.ROLE]
    added = {turn.turn_id: edits.count_new_facts(turn.metadata) for turn in pending_edits}
    try:
        found, unapplied = yield from ReadPostgres(user, one_round_trip(fact_queries.has_fact_statements(user, target)))
    except MemoryUnavailable:
        return True
    added |= {row["turn_id"]: edits.count_new_facts(row["metadata"]) for row in unapplied}
    return bool(found) or any(
        ids.derive_manual_fact_id(user.tenant_id, user.user_id, turn_id, index) == target
        for turn_id, count in added.items()
        for index in range(count)
    )


def _contradiction_steps(user: UserScope, limit: int) -> Steps[tuple[Sequence[Row], list[Fact]]]:
    [rows] = yield [fact_queries.contradictions_statement(user, limit=limit)]
    fact_ids = [row[column] for row in rows for column in ("fact_id", "other_id")]
    return rows, (yield from _fact_steps(user, fact_queries.by_id_statement(user, fact_ids)))


def _read_facts(session: ClientSession, statement: Statement) -> Plan[list[Fact]]:
    hidden = yield from hot.read_hidden(session)
    user = session.scope.user
    return fact.exclude_turns((yield from ReadPostgres(user, _fact_steps(user, statement))), hidden)


def _fact_steps(user: UserScope, statement: Statement) -> Steps[list[Fact]]:
    [rows] = yield [statement]
    [evidence] = yield [fact_queries.evidence_statement(user, rows)]
    return fact_queries.parse_facts(rows, evidence)
