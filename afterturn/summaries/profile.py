"""The profile: a short digest of a user, made from current facts without a model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from afterturn import tokens
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("summaries")

#: Kinds of facts that are of use in any conversation. Others, such as events and plans, only where they are weighty.
ALWAYS_RELEVANT = ("identity", "family", "relationship", "place", "work", "health", "preference", "instruction")
#: From this importance on, a fact belongs in the profile whatever its kind.
_WEIGHTY = 0.7
#: Facts that are looked at. A line has about ten tokens: more than fit are read, so that short ones can fill the end.
_FACTS_READ = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A fact that may stand in the profile."""

    fact_id: Any
    text: str


def rebuild(connection: Connection, scope: UserScope, *, limit_tokens: int) -> None:
    """Bring the user's profile up to date with their current facts, in the caller's transaction.

    One fact a line, what a person pinned first, then the weightiest, most often said and newest. Costs one read where
    nothing has changed.
    """
    owner = scope.key
    wanted = {"categories": list(ALWAYS_RELEVANT), "weighty": _WEIGHTY, "limit": _FACTS_READ}
    rows = connection.execute(_SQL["profile_facts"], owner | wanted).fetchall()
    lines = fitting((Line(**row) for row in rows), limit_tokens=limit_tokens)
    if not lines:
        connection.execute(_SQL["drop_profile"], owner)
        return
    said = {"text": "\n".join(line.text for line in lines), "fact_ids": [line.fact_id for line in lines]}
    connection.execute(_SQL["put_profile"], owner | said)


def fitting(lines: Iterable[Line], *, limit_tokens: int) -> list[Line]:
    """Return those lines that fit, the first ones first; each on one line, and none twice."""
    chosen: dict[str, Line] = {}
    for line in lines:
        text = " ".join(line.text.split())
        cost = tokens.estimate(text) + 1
        if text not in chosen and cost <= limit_tokens:
            chosen[text] = Line(fact_id=line.fact_id, text=text)
            limit_tokens -= cost
    return list(chosen.values())
