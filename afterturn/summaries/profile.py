"""The profile: a short list of a user's most useful current facts, made without an LLM."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from afterturn import tokens
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.summaries import same_lines

_SQL = queries.load("summaries")

#: Categories that are useful in every conversation. Facts of others, such as events and plans, need a high importance.
ALWAYS_RELEVANT = ("identity", "family", "relationship", "place", "work", "health", "preference", "instruction")
#: A fact with at least this importance belongs in the profile, whatever its category.
_HIGH_IMPORTANCE = 0.7
#: Number of facts that are read. A line has about ten tokens: more facts are read than fit, so that short ones can
#: fill the rest of the limit.
_FACTS_READ = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileLine:
    """A fact that the profile can contain."""

    fact_id: Any
    text: str


def rebuild_profile(connection: Connection, scope: UserScope, *, limit_tokens: int) -> None:
    """Update the user's profile from their current facts, in the caller's transaction.

    One fact per line: pinned ones first, then lasting facts and present states, then by importance, number of mentions
    and time. Makes one read where nothing has changed.
    """
    owner = scope.key
    criteria = {"categories": list(ALWAYS_RELEVANT), "high_importance": _HIGH_IMPORTANCE, "limit": _FACTS_READ}
    rows = connection.execute(_SQL["profile_facts"], owner | criteria).fetchall()
    lines = select_lines((ProfileLine(**row) for row in rows), limit_tokens=limit_tokens)
    if not lines:
        connection.execute(_SQL["delete_profile"], owner)
        return
    content = {"text": "\n".join(line.text for line in lines), "fact_ids": [line.fact_id for line in lines]}
    connection.execute(_SQL["upsert_profile"], owner | content)


def select_lines(lines: Iterable[ProfileLine], *, limit_tokens: int) -> list[ProfileLine]:
    """Return the lines that fit into the limit, in their order, without line breaks.

    Of two lines that say the same, the fuller one is selected, in the place of the first.
    """
    selected: list[ProfileLine] = []
    for line in lines:
        made = ProfileLine(fact_id=line.fact_id, text=" ".join(line.text.split()))
        place, fuller = _find_same(made.text, selected)
        freed_tokens = 0 if place is None else _cost_tokens(selected[place])
        if (place is not None and fuller != made.text) or _cost_tokens(made) > limit_tokens + freed_tokens:
            continue
        if place is None:
            selected.append(made)
        else:
            selected[place] = made
        limit_tokens += freed_tokens - _cost_tokens(made)
    return selected


def _find_same(text: str, selected: Sequence[ProfileLine]) -> tuple[int | None, str]:
    """Return the place of a selected line that says the same, and the fuller text of the two."""
    for place, line in enumerate(selected):
        if line.text == text:
            return place, ""
        fuller = same_lines.find_fuller(line.text, text)
        if fuller is not None:
            return place, fuller
    return None, text


def _cost_tokens(line: ProfileLine) -> int:
    return tokens.estimate(line.text) + 1
