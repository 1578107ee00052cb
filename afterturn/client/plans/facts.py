"""`facts` and `fact_history`: facts by whom, what and when they are about, each with its evidence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from afterturn.client.effects import Plan, ReadPostgres
from afterturn.client.limits import checked_limit
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Statement, Steps
from afterturn.facts import fact, fact_queries
from afterturn.facts.fact import Fact
from afterturn.scopes import UserScope


def facts(session: ClientSession, *, limit: int, **wanted: Any) -> Plan[list[Fact]]:
    """Return facts, those said last first. Raises InvalidInput.

    Args:
        session: whose facts.
        limit: how many, 1 to 1,000.
        wanted: the arguments of `fact_queries.facts_statement`.
    """
    user = session.scope.user
    return (yield from _read(session, fact_queries.facts_statement(user, **wanted, limit=checked_limit(limit))))


def fact_history(session: ClientSession, fact_id: str | UUID) -> Plan[list[Fact]]:
    """Return all versions of a fact, oldest first. Raises InvalidInput."""
    return (yield from _read(session, fact_queries.history_statement(session.scope.user, fact_id)))


def _read(session: ClientSession, wanted: Statement) -> Plan[list[Fact]]:
    hidden = yield from hot.read_hidden(session)
    user = session.scope.user
    return fact.exclude_turns((yield from ReadPostgres(user, _with_evidence(user, wanted))), hidden)


def _with_evidence(user: UserScope, wanted: Statement) -> Steps[list[Fact]]:
    [rows] = yield [wanted]
    [evidence] = yield [fact_queries.evidence_statement(user, rows)]
    return fact_queries.parse_facts(rows, evidence)
