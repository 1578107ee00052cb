"""Lives: what kind of statement a fact is, and when it leaves default recall, context and profile.

Pure functions of a statement's category, attribute and times. Where no life is given (by answers of earlier prompts,
the offline rules and persons), it is derived from these (docs/explanation/decisions/051).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Literal

#: The lives as callers write them.
LifeName = Literal["lasting", "event", "plan", "state", "attitude"]


class Life(StrEnum):
    """The life of a statement."""

    #: Holds until something else is said: identity, preference, relation, home, work, health condition, instruction.
    LASTING = "lasting"
    #: Happened on a day or in a span. It is history, and never fades.
    EVENT = "event"
    #: Is to happen. When its day has passed, its outcome is unknown until an outcome is said.
    PLAN = "plan"
    #: Holds for a while: is looking for a flat, has a cold. The next state of the same matter replaces it.
    STATE = "state"
    #: What a person thinks of a matter. The newest one replaces the older one.
    ATTITUDE = "attitude"


#: How long a plan is shown after its day, or after it was last said where it has none, and how long a state is shown
#: after it was last said. Shorter: with a sixth of it for plans and two thirds for states, most of what a reader missed
#: in a conversation of eight months were such statements, although their texts have their dates. Longer: what nobody
#: speaks of any more stands among what is true.
KEPT = timedelta(days=180)

_LIFE_OF_CATEGORY = {"event": Life.EVENT, "plan": Life.PLAN, "promise": Life.PLAN}
_PLAN_PREFIXES = ("plans_", "planned_", "planning_", "is_planning_", "intends_to_", "is_going_to_")
_ATTITUDES = frozenset({"likes", "loves", "enjoys", "dislikes", "hates", "avoids"})
_ATTITUDE_PREFIXES = ("attitude_to", "feels_about_", "opinion_of", "opinion_on", "view_of", "view_on")
_STATES = frozenset({"current_mood", "feeling", "feels", "is_feeling", "looking_for", "is_looking_for", "mood"})

_DAY = timedelta(days=1)
#: The local midnight of a day lies at most this far from its midnight in UTC.
_FURTHEST_MIDNIGHT = timedelta(hours=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The times of a statement."""

    #: In the world, as the turns say: of a plan or an event, its day or span.
    valid_from: datetime | None
    valid_to: datetime | None
    #: When it was last said.
    said_at: datetime
    #: When it was first said; None: the same.
    first_said_at: datetime | None = None


def parse(value: object) -> str | None:
    """Return the life that a value names; None for anything else, because the life is then derived."""
    word = value.strip().casefold() if isinstance(value, str) else None
    return Life(word).value if word in set(Life) else None


def find_life(given: str | None, *, category: str, attribute: str | None, times: Times) -> Life:
    """Return the life of a statement: the one that was given, or else the one that its other fields show.

    When in doubt it is lasting: a fact that stays too long is a smaller fault than one that is missed.
    """
    if given is not None:
        return Life(given)
    if category in _LIFE_OF_CATEGORY:
        return _LIFE_OF_CATEGORY[category]
    if attribute is not None:
        if attribute.startswith(_PLAN_PREFIXES):
            return Life.PLAN
        if attribute in _ATTITUDES or attribute.startswith(_ATTITUDE_PREFIXES):
            return Life.ATTITUDE
        if attribute in _STATES:
            return Life.STATE
    # What ends on the day on which it is said has ended: "I left Acme today."
    has_end = times.valid_to is not None and times.valid_to > times.said_at + _DAY
    return Life.STATE if has_end else Life.LASTING


def find_fade_time(life: Life, times: Times, *, is_from_person: bool = False) -> datetime | None:
    """Return when a statement leaves default reads; None: never. What a person entered never fades.

    A pinned fact does not fade either; the queries see to that, because a fact can be unpinned.
    """
    if is_from_person or life not in (Life.PLAN, Life.STATE):
        return None
    if life is Life.STATE:
        # What is so "by today" does not end today.
        has_end = times.valid_to is not None and times.valid_to > times.said_at + _DAY
        return times.valid_to if has_end else times.said_at + KEPT
    end = plan_end(times)
    return KEPT + (times.said_at if end is None else max(end, times.said_at))


def plan_end(times: Times) -> datetime | None:
    """Return when the day or span of a plan has passed; None where it has none.

    A day that was past when the plan was first said is not the day of the plan: some models give there since when the
    plan exists.
    """
    end = times.valid_to or (None if times.valid_from is None else period_end(times.valid_from))
    return end if end is not None and end > (times.first_said_at or times.said_at) else None


def is_outcome_unknown(life: str | None, times: Times, now: datetime | None) -> bool:
    """Return whether a statement is a plan whose day has passed at the time `now`."""
    if life != Life.PLAN or now is None:
        return False
    end = plan_end(times)
    return end is not None and end <= now


def describe_past_plan(valid_from: datetime | None, valid_to: datetime | None, zone: tzinfo | None) -> str:
    """Return how a plan reads whose day has passed: `planned for 3 May 2023; outcome unknown`.

    Args:
        valid_from: the beginning of its day or span,
        valid_to: and its end.
        zone: the timezone of the days; None: of this machine.
    """
    last = None if valid_to is None else _day(valid_to - timedelta(microseconds=1), zone)
    first = last if valid_from is None else _period(valid_from, zone) if valid_to is None else _day(valid_from, zone)
    span = first if last in (None, first) else f"{first} to {last}"
    return f"planned for {span}; outcome unknown"


def holds_since(life: str | None, valid_from: datetime | None, said_at: datetime) -> datetime:
    """Return since when a statement holds: a plan since it was said, everything else also since its own time."""
    return said_at if life == Life.PLAN or valid_from is None else valid_from


def period_end(start: datetime) -> datetime:
    """Return the end of the day that begins at a time; of the month or year where it may stand for one (2023-05).

    The timezone in which it is midnight is not known here: it is taken for the first of a month wherever it can be one.
    """
    near = start + _FURTHEST_MIDNIGHT
    first_of_month = near.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    is_midnight_somewhere = start.minute % 15 == 0 and start.second == 0 and start.microsecond == 0
    if not is_midnight_somewhere or abs(start - first_of_month) > _FURTHEST_MIDNIGHT:
        return start + _DAY
    if first_of_month.month == 1:
        return start.replace(year=start.year + 1) if start.month == 1 else start + timedelta(days=366)
    return start + timedelta(days=31)


def _period(start: datetime, zone: tzinfo | None) -> str:
    local = start.astimezone(zone)
    if (local.day, local.hour, local.minute) != (1, 0, 0):
        return _day(start, zone)
    return f"{local:%Y}" if local.month == 1 else f"{local:%B %Y}"


def _day(moment: datetime, zone: tzinfo | None) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%B %Y}"
