"""What a later statement does to a plan or a state: it names another day or end, or it tells the outcome.

Pure functions of two statements and their times.
"""

from __future__ import annotations

from datetime import datetime

from afterturn import lives
from afterturn.consolidation.rules import Comparable
from afterturn.extraction.verification import normalise
from afterturn.lives import Life, Times


def have_other_ends(one: Comparable, times: Times, other: Comparable, other_times: Times) -> bool:
    """Return whether two statements in the same words name different days of a plan, or different ends of a state."""
    if normalise(one.text) != normalise(other.text):
        return False
    ends = (_end(one, times), _end(other, other_times))
    return None not in ends and ends[0] != ends[1]


def is_outcome(event: Times, plan: Times) -> bool:
    """Return whether an event can be the outcome of a plan: it was said later, and not over when the plan was made."""
    if event.said_at < plan.said_at:
        return False
    end = event.valid_to or (None if event.valid_from is None else lives.period_end(event.valid_from))
    return end is None or end > (plan.first_said_at or plan.said_at)


def _end(statement: Comparable, times: Times) -> datetime | None:
    life = lives.find_life(statement.life, category=statement.category, attribute=statement.attribute, times=times)
    if life is Life.PLAN:
        return lives.plan_end(times)
    is_ahead = life is Life.STATE and times.valid_to is not None and times.valid_to > times.said_at
    return times.valid_to if is_ahead else None
