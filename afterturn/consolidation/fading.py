"""Compute when facts fade: new ones, and again after a repetition, a merge or a removal; and of earlier releases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from afterturn import lives
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.lives import Life, Times
from afterturn.scopes import UserScope

_SQL = queries.load("facts")

#: Facts of one statement. More: larger arguments, and nothing gained.
_FACTS_PER_STATEMENT = 1_000


def life_columns(candidate: VerifiedCandidate) -> dict[str, Any]:
    """Return the life of the fact that a candidate becomes, and when it leaves default reads."""
    content = candidate.content
    times = Times(valid_from=content.valid_from, valid_to=content.valid_to, said_at=candidate.said_at)
    life = lives.find_life(content.life, category=content.category, attribute=content.attribute, times=times)
    is_from_person = candidate.origin == "person"
    return {"life": life, "fades_at": lives.find_fade_time(life, times, is_from_person=is_from_person)}


def update_lives(connection: Connection, scope: UserScope, fact_ids: Sequence[UUID]) -> None:
    """Set the lives of facts that have none, and when these facts leave default reads, in the caller's transaction.

    Facts for which nothing changes are not written.
    """
    for start in range(0, len(fact_ids), _FACTS_PER_STATEMENT):
        some_ids = list(fact_ids[start : start + _FACTS_PER_STATEMENT])
        rows = connection.execute(_SQL["times_of_facts"], scope.key | {"fact_ids": some_ids}).fetchall()
        found = [(row, *_life_and_fade_time(row)) for row in rows]
        changed = [item for item in found if item[1:] != (item[0]["life"], item[0]["fades_at"])]
        if changed:
            columns = {
                "fact_ids": [row["fact_id"] for row, _, _ in changed],
                "lives": [life.value for _, life, _ in changed],
                "fade_times": [fade_time for _, _, fade_time in changed],
            }
            connection.execute(_SQL["set_lives"], scope.key | columns)


def _life_and_fade_time(row: Mapping[str, Any]) -> tuple[Life, datetime | None]:
    times = Times(
        valid_from=row["valid_from"],
        valid_to=row["said_valid_to"],
        said_at=row["said_at"],
        first_said_at=row["first_said_at"],
    )
    life = lives.find_life(row["life"], category=row["category"], attribute=row["attribute"], times=times)
    return life, lives.find_fade_time(life, times, is_from_person=row["origin"] == "person")
