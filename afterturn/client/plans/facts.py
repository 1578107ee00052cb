"""`facts` and `fact_history`: facts selected by filters or by id, each with its evidence."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from afterturn.client.effects import Plan, ReadPostgres
from afterturn.client.limits import validate_limit
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Statement, Steps
from afterturn.facts import fact, fact_queries
from afterturn.facts.fact import Fact
from afterturn.scopes import UserScope


def facts(session: ClientSession, *, limit: int, **filters: Any) -> Plan[list[Fact]]:
    """Return facts, the most recently said first. Raises InvalidInput.

    Args:
        session: the session of the client; the facts are those of its user.
        limit: the largest number of facts, 1 to 1,000.
        filters: the other arguments of `fact_queries.facts_statement`.
    """
    user = session.scope.user
    return (yield from _read_facts(session, fact_queries.facts_statement(user, **filters, limit=validate_limit(limit))))


def fact_history(session: ClientSession, fact_id: str | UUID) -> Plan[list[Fact]]:
    """Return all versions of a fact, oldest first. Raises InvalidInput."""
    return (yield from _read_facts(session, fact_queries.history_statement(session.scope.user, fact_id)))


def _read_facts(session: ClientSession, statement: Statement) -> Plan[list[Fact]]:
    hidden = yield from hot.read_hidden(session)
    user = session.scope.user
    return fact.exclude_turns((yield from ReadPostgres(user, _fact_steps(user, statement))), hidden)


def _fact_steps(user: UserScope, statement: Statement) -> Steps[list[Fact]]:
    [rows] = yield [statement]
    [evidence] = yield [fact_queries.evidence_statement(user, rows)]
    return fact_queries.parse_facts(rows, evidence)
