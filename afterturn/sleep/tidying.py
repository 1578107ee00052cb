"""What a whole memory is tidied by: repetitions are merged, values that were replaced and plans that are past end.

Pure functions of the current facts, of what was judged of them, and of the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from uuid import UUID

from afterturn.consolidation import likeness, rules
from afterturn.consolidation.decisions import NOTHING_JUDGED, KnownFact, Verdicts
from afterturn.consolidation.rules import Names, Relation
from afterturn.extraction.verification import normalise

#: Said this often, a fact matters at least this much.
RECURS = 3
RECURRING_IMPORTANCE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFact(KnownFact):
    """A current fact, with what tidying looks at besides."""

    importance: float
    times_seen: int
    #: Until when it was said to hold.
    said_valid_to: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A current fact that is so no more."""

    fact_id: UUID
    text: str
    #: merged, newer_value, judged, challenge or expired, as in the column `ended_because`.
    because: str
    #: The fact that stands in its place; None where its time is over.
    superseded_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidying:
    """What is to be done to a memory."""

    changes: tuple[Change, ...] = ()
    #: Facts that recur, and matter more than was thought.
    promoted: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes or self.promoted)


def tidy(facts: Sequence[HeldFact], names: Names, now: datetime, verdicts: Verdicts = NOTHING_JUDGED) -> Tidying:
    """Return what is to be done to a user's current facts; doing it leaves nothing to be done."""
    by_id = {fact.fact_id: fact for fact in facts}
    changes: dict[UUID, Change] = {}
    for one, other in sorted(_pairs(facts, names, verdicts), key=lambda pair: (pair[0].said_at, pair[0].fact_id)):
        if one.fact_id in changes or other.fact_id in changes:
            continue
        change = _settled(one, other, names, verdicts)
        if change is not None:
            changes[change.fact_id] = change
    for fact in by_id.values():
        if fact.fact_id not in changes and _is_past(fact, now):
            changes[fact.fact_id] = Change(fact_id=fact.fact_id, text=fact.text, because="expired")
    promoted = [
        fact.fact_id
        for fact in facts
        if fact.times_seen >= RECURS and fact.importance < RECURRING_IMPORTANCE and fact.fact_id not in changes
    ]
    return Tidying(changes=tuple(changes.values()), promoted=tuple(promoted))


def _pairs(facts: Iterable[HeldFact], names: Names, verdicts: Verdicts) -> Iterator[tuple[HeldFact, HeldFact]]:
    """Yield the pairs that may belong together, the one said earlier first: all others cannot."""
    alike: dict[object, list[HeldFact]] = defaultdict(list)
    by_id = {}
    for fact in facts:
        by_id[fact.fact_id] = fact
        alike[normalise(fact.text)].append(fact)
        if fact.attribute is not None:
            alike[names.subject(fact.subject), fact.attribute].append(fact)
    found = {frozenset((one.fact_id, other.fact_id)) for same in alike.values() for one, other in combinations(same, 2)}
    for pair in {*found, *verdicts}:
        if pair <= by_id.keys():
            one, other = sorted((by_id[fact_id] for fact_id in pair), key=lambda fact: (fact.said_at, fact.fact_id))
            yield one, other


def _settled(earlier: HeldFact, later: HeldFact, names: Names, verdicts: Verdicts) -> Change | None:
    relation, because = _relation(earlier, later, names, verdicts)
    if relation is None:
        return None
    if relation is Relation.SAME:
        # The one that was believed first stays, unless a person stands behind the other.
        kept, gone = (later, earlier) if later.is_protected and not earlier.is_protected else (earlier, later)
        return Change(fact_id=gone.fact_id, text=gone.text, because="merged", superseded_by=kept.fact_id)
    if earlier.is_protected and not later.is_protected:
        return Change(fact_id=later.fact_id, text=later.text, because="challenge", superseded_by=earlier.fact_id)
    return Change(fact_id=earlier.fact_id, text=earlier.text, because=because, superseded_by=later.fact_id)


def _relation(earlier: HeldFact, later: HeldFact, names: Names, verdicts: Verdicts) -> tuple[Relation | None, str]:
    by_rule = rules.relation(earlier, later, names)
    if by_rule is not None:
        return by_rule, "newer_value"
    differ = likeness.differ_in_detail(earlier.text, later.text)
    if rules.compete(earlier, later, names) and not (_is_ended(earlier) or _is_ended(later)):
        is_same = rules.have_same_value(earlier, later) and not differ
        return Relation.SAME if is_same else Relation.REPLACES, "newer_value"
    judged = verdicts.get(frozenset((earlier.fact_id, later.fact_id)))
    return (None if judged is Relation.SAME and differ else judged), "judged"


def _is_ended(fact: HeldFact) -> bool:
    """Whether it was over already when it was said."""
    return fact.said_valid_to is not None and fact.said_valid_to <= fact.said_at


def _is_past(fact: HeldFact, now: datetime) -> bool:
    """Whether its time was to come when it was last said, and is over now. What was told as past stays told."""
    return fact.said_valid_to is not None and fact.said_at < fact.said_valid_to < now and not fact.is_protected
