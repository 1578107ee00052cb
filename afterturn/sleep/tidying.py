"""Plan the tidying of a whole memory: merge repeated facts, end replaced or expired ones, promote recurring ones.

Pure functions of the current facts, the judge's verdicts, and the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn.consolidation import rules, text_comparison
from afterturn.consolidation.decisions import NO_VERDICTS, KnownFact, Verdicts
from afterturn.consolidation.rules import Relation, UserNames
from afterturn.extraction.verification import normalise
from afterturn.lives import Life

#: A fact that this many batches say gets at least this importance.
RECURRING_TIMES = 3
RECURRING_IMPORTANCE = 0.7
#: A fact is compared with so many facts that were said next with the same text or attribute. Larger: memories with
#: thousands of facts of one attribute take minutes, in which the other tasks of the process wait.
GROUP_WINDOW = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentFact(KnownFact):
    """A current fact, with further fields that tidying uses."""

    importance: float
    times_seen: int
    #: Until when it holds, as a turn said.
    said_valid_to: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedFact:
    """A current fact that tidying ends."""

    fact_id: UUID
    text: str
    #: merged, newer_value, judged, challenge or expired: the value for the column `ended_because`.
    reason: str
    #: The fact that replaces it; None where it has expired.
    superseded_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TidyingPlan:
    """The changes to a memory."""

    ended_facts: tuple[EndedFact, ...] = ()
    #: Recurring facts, whose importance is raised.
    promoted_ids: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ended_facts or self.promoted_ids)


def plan_tidying(
    facts: Sequence[CurrentFact], names: UserNames, now: datetime, verdicts: Verdicts = NO_VERDICTS
) -> TidyingPlan:
    """Return the changes to a user's current facts. After they are made, there is nothing more to change."""
    ended: dict[UUID, EndedFact] = {}
    pairs = sorted(_related_pairs(facts, names, verdicts), key=lambda pair: (pair[0].said_at, pair[0].fact_id))
    for earlier, later in pairs:
        if earlier.fact_id in ended or later.fact_id in ended:
            continue
        ended_fact = _end_one(earlier, later, names, verdicts)
        if ended_fact is not None:
            ended[ended_fact.fact_id] = ended_fact
    for fact in facts:
        if fact.fact_id not in ended and _has_expired(fact, now):
            ended[fact.fact_id] = EndedFact(fact_id=fact.fact_id, text=fact.text, reason="expired")
    promoted_ids = [
        fact.fact_id
        for fact in facts
        if fact.times_seen >= RECURRING_TIMES and fact.importance < RECURRING_IMPORTANCE and fact.fact_id not in ended
    ]
    return TidyingPlan(ended_facts=tuple(ended.values()), promoted_ids=tuple(promoted_ids))


def _related_pairs(
    facts: Iterable[CurrentFact], names: UserNames, verdicts: Verdicts
) -> Iterator[tuple[CurrentFact, CurrentFact]]:
    """Yield the pairs of facts that may repeat or replace each other, the one said earlier first."""
    groups: dict[object, list[CurrentFact]] = defaultdict(list)
    by_id = {}
    for fact in facts:
        by_id[fact.fact_id] = fact
        groups[normalise(fact.text)].append(fact)
        if fact.attribute is not None:
            groups[names.normalise_subject(fact.subject), fact.attribute].append(fact)
    pairs = {frozenset((one.fact_id, other.fact_id)) for group in groups.values() for one, other in _near_pairs(group)}
    for pair in {*pairs, *verdicts}:
        if pair <= by_id.keys():
            earlier, later = sorted((by_id[fact_id] for fact_id in pair), key=lambda fact: (fact.said_at, fact.fact_id))
            yield earlier, later


def _near_pairs(group: list[CurrentFact]) -> Iterator[tuple[CurrentFact, CurrentFact]]:
    """Yield each fact of a group with those said next after it, at most GROUP_WINDOW of them.

    A value is replaced by one that is said soon after it, and all pairs of thousands of facts are millions.
    """
    ordered = sorted(group, key=lambda fact: (fact.said_at, fact.fact_id))
    for place, fact in enumerate(ordered):
        for other in ordered[place + 1 : place + 1 + GROUP_WINDOW]:
            yield fact, other


def _end_one(earlier: CurrentFact, later: CurrentFact, names: UserNames, verdicts: Verdicts) -> EndedFact | None:
    """Return which of two facts ends, and why; None where both stay."""
    relation, reason = _relation(earlier, later, names, verdicts)
    if relation is None:
        return None
    if relation is Relation.SAME:
        # The earlier fact stays, unless only the later one is protected by a person.
        kept, merged = (later, earlier) if later.is_protected and not earlier.is_protected else (earlier, later)
        return EndedFact(fact_id=merged.fact_id, text=merged.text, reason="merged", superseded_by=kept.fact_id)
    if earlier.is_protected and not later.is_protected:
        return EndedFact(fact_id=later.fact_id, text=later.text, reason="challenge", superseded_by=earlier.fact_id)
    return EndedFact(fact_id=earlier.fact_id, text=earlier.text, reason=reason, superseded_by=later.fact_id)


def _relation(
    earlier: CurrentFact, later: CurrentFact, names: UserNames, verdicts: Verdicts
) -> tuple[Relation | None, str]:
    by_rule = rules.find_relation(earlier, later, names)
    if by_rule is not None:
        return by_rule, "newer_value"
    differ = text_comparison.differ_in_detail(earlier.text, later.text)
    if rules.are_competing_values(earlier, later, names) and not (earlier.is_over or later.is_over):
        is_same = rules.have_same_value(earlier, later) and not differ
        return Relation.SAME if is_same else Relation.REPLACES, "newer_value"
    judged = verdicts.get(frozenset((earlier.fact_id, later.fact_id)))
    return (None if judged is Relation.SAME and differ else judged), "judged"


def _has_expired(fact: CurrentFact, now: datetime) -> bool:
    """Return whether the fact's end was in the future when it was said, and is in the past now.

    A fact whose end was already past when it was said tells of the past, and does not expire. Plans and states fade
    instead, and an event that is over is history.
    """
    if fact.life in (Life.PLAN, Life.STATE, Life.EVENT):
        return False
    return fact.said_valid_to is not None and fact.said_at < fact.said_valid_to < now and not fact.is_protected
