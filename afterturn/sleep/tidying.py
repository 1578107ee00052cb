"""Plan the tidying of a whole memory: merge repeated facts, end replaced or expired ones, link contradicting ones.

Pure functions of the current facts, the judge's verdicts, and the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.consolidation import fusion, renewals, rules
from afterturn.consolidation.decisions import NO_VERDICTS, KnownFact, Overruled, United, Verdicts
from afterturn.consolidation.fusion import Fusion, Outcome
from afterturn.consolidation.guards import Guard
from afterturn.consolidation.rules import UserNames
from afterturn.extraction.verification import normalise
from afterturn.lives import Life
from afterturn.relation import Relation

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
    #: The batch that it comes from.
    batch_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedFact:
    """A current fact that tidying ends."""

    fact_id: UUID
    text: str
    #: merged, refined, united, newer_value, judged, ended, challenge or expired: the value of `ended_because`.
    reason: str
    #: The fact that replaces it; None where it has expired.
    superseded_by: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TidyingPlan:
    """The changes to a memory."""

    ended_facts: tuple[EndedFact, ...] = ()
    #: Facts that are made of two, with the second part: both parts are among the ended facts.
    united: tuple[tuple[United, UUID], ...] = ()
    #: Pairs of current facts that contradict each other.
    contradictions: tuple[tuple[UUID, UUID], ...] = ()
    #: Recurring facts, whose importance is raised.
    promoted_ids: tuple[UUID, ...] = ()
    #: Verdicts that guards overruled: they change nothing.
    overruled: tuple[Overruled, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ended_facts or self.contradictions or self.promoted_ids)


def plan_tidying(
    facts: Sequence[CurrentFact], names: UserNames, now: datetime, verdicts: Verdicts = NO_VERDICTS
) -> TidyingPlan:
    """Return the changes to a user's current facts. After they are made, the rules find nothing more to change."""
    done = _Changes(names, verdicts)
    for earlier, later in sorted(_related_pairs(facts, names, verdicts), key=_by_time):
        done.relate(earlier, later)
    for fact in facts:
        if fact.fact_id not in done.ended and _has_expired(fact, now):
            done.ended[fact.fact_id] = EndedFact(fact_id=fact.fact_id, text=fact.text, reason="expired")
    promoted_ids = [
        fact.fact_id
        for fact in facts
        if fact.times_seen >= RECURRING_TIMES
        and fact.importance < RECURRING_IMPORTANCE
        and fact.fact_id not in done.ended
    ]
    return done.as_plan(promoted_ids)


def _by_time(pair: tuple[CurrentFact, CurrentFact]) -> tuple[datetime, UUID, datetime, UUID]:
    earlier, later = pair
    return earlier.said_at, earlier.fact_id, later.said_at, later.fact_id


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
    for pair in {*pairs, *map(frozenset, verdicts)}:
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


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the first of two facts is to the second."""

    relation: Relation
    first: CurrentFact
    second: CurrentFact


class _Changes:
    """Collects the changes. A fact that lives on in another one is compared as that one."""

    def __init__(self, names: UserNames, verdicts: Verdicts) -> None:
        self.ended: dict[UUID, EndedFact] = {}
        self._names = names
        self._verdicts = verdicts
        #: Fact -> the one in which it lives on: the one that it was merged into, or made a part of.
        self._lives_on: dict[UUID, CurrentFact] = {}
        self._united: list[tuple[United, UUID]] = []
        self._contradictions: list[tuple[CurrentFact, CurrentFact]] = []
        self._overruled: list[Overruled] = []

    def as_plan(self, promoted_ids: Sequence[UUID]) -> TidyingPlan:
        linked = [tuple(map(self._present, pair)) for pair in self._contradictions]
        pairs = [
            (one.fact_id, other.fact_id)
            for one, other in linked
            if not self.ended.keys() & {one.fact_id, other.fact_id}
        ]
        return TidyingPlan(
            ended_facts=tuple(self.ended.values()),
            united=tuple(self._united),
            contradictions=tuple(pairs),
            promoted_ids=tuple(promoted_ids),
            overruled=tuple(self._overruled),
        )

    def relate(self, earlier: CurrentFact, later: CurrentFact) -> None:
        """End one of two facts, unite or link them, where the rules or a verdict relate them."""
        verdict = self._verdict_on(earlier, later)
        one, other = self._present(earlier), self._present(later)
        if one.fact_id == other.fact_id or {one.fact_id, other.fact_id} & self.ended.keys():
            return
        self._relate_present(*sorted((one, other), key=lambda fact: (fact.said_at, fact.fact_id)), verdict=verdict)

    def _present(self, fact: CurrentFact) -> CurrentFact:
        while fact.fact_id in self._lives_on:
            fact = self._lives_on[fact.fact_id]
        return fact

    def _verdict_on(self, one: CurrentFact, other: CurrentFact) -> _Verdict | None:
        """Return the verdict on two facts, with the facts in its direction."""
        for first, second in ((one, other), (other, one)):
            relation = self._verdicts.get((first.fact_id, second.fact_id))
            if relation is not None:
                return _Verdict(relation, first, second)
        return None

    def _relate_present(self, earlier: CurrentFact, later: CurrentFact, *, verdict: _Verdict | None) -> None:
        by_rule = rules.find_relation(earlier, later, self._names)
        if by_rule is Relation.REPLACES or renewals.have_other_ends(earlier, earlier.times, later, later.times):
            self._replace(earlier, later, "newer_value")
        elif by_rule is Relation.SAME:
            # The rule says that the earlier one adds no words to the later one.
            is_equal = normalise(earlier.text) == normalise(later.text)
            known, new = (earlier, later) if is_equal else (later, earlier)
            self._fuse(known, new, Relation.SAME)
        elif rules.are_competing_values(earlier, later, self._names) and not (earlier.is_over or later.is_over):
            self._compete(earlier, later)
        elif verdict is not None:
            self._follow(verdict)

    def _compete(self, earlier: CurrentFact, later: CurrentFact) -> None:
        fused = fusion.fuse(earlier, later, Relation.SAME)
        if rules.have_same_value(earlier, later) and fused.guard in (None, Guard.LENGTH, Guard.CUT):
            self._fuse(earlier, later, Relation.SAME)
        else:
            self._replace(earlier, later, "newer_value")

    def _follow(self, verdict: _Verdict) -> None:
        first, second = self._present(verdict.first), self._present(verdict.second)
        earlier, later = sorted((first, second), key=lambda fact: (fact.said_at, fact.fact_id))
        match verdict.relation:
            case Relation.SAME | Relation.REFINES if {first.life, second.life} == {Life.PLAN, Life.EVENT}:
                plan, event = (first, second) if first.life == Life.PLAN else (second, first)
                if renewals.is_outcome(event.times, plan.times):
                    self._replace(plan, event, "judged")
                else:
                    self._overrule(verdict.relation, Guard.ORDER, first, second)
            case Relation.SAME | Relation.REFINES:
                self._fuse(second, first, verdict.relation)
            case Relation.ENDS if first.said_at >= second.said_at:
                self._replace(second, first, "ended")
            case Relation.ENDS:
                self._overrule(verdict.relation, Guard.ORDER, first, second)
            case Relation.REPLACES:
                self._replace(earlier, later, "judged")
            case Relation.CONTRADICTS if earlier.is_protected != later.is_protected:
                # What a person entered settles it.
                self._replace(earlier, later, "judged")
            case Relation.CONTRADICTS:
                self._contradictions.append((first, second))

    def _replace(self, old: CurrentFact, new: CurrentFact, reason: str) -> None:
        if old.is_protected and not new.is_protected:
            old, new, reason = new, old, "challenge"
        self._end(old, reason, by=new)

    def _fuse(self, known: CurrentFact, new: CurrentFact, relation: Relation) -> None:
        is_later = (new.said_at, new.fact_id) > (known.said_at, known.fact_id)
        fused = fusion.fuse(known, new, relation, is_new_later=is_later)
        if known.is_protected != new.is_protected and fused.outcome is not Outcome.SEPARATE:
            fused = self._fuse_protected(known, new)
        match fused.outcome:
            case Outcome.KEEP:
                self._live_on(new, "merged", known)
            case Outcome.TAKE:
                self._live_on(known, "merged" if new.is_protected else "refined", new)
            case Outcome.UNITE if fused.text is not None:
                self._unite(known, new, fused.text)
            case _:
                self._overrule(relation, fused.guard or Guard.LENGTH, new, known)

    def _fuse_protected(self, known: CurrentFact, new: CurrentFact) -> Fusion:
        """Return the outcome where a person entered one of both: that one stays, if it says all that the other says."""
        protected, other = (known, new) if known.is_protected else (new, known)
        if fusion.fuse(protected, other, Relation.SAME).outcome is not Outcome.KEEP:
            return Fusion(Outcome.SEPARATE, guard=Guard.PROTECTED)
        return Fusion(Outcome.KEEP if protected is known else Outcome.TAKE)

    def _unite(self, known: CurrentFact, new: CurrentFact, text: str) -> None:
        united_id = ids.derive_version_id(new.fact_id, known.fact_id)
        self._united.append((United(fact_id=united_id, text=text, known_id=known.fact_id), new.fact_id))
        said_at = max(known.said_at, new.said_at)
        with_value = new if new.value is not None else known
        united = replace(
            with_value, fact_id=united_id, text=text, said_at=said_at, valid_from=new.valid_from or known.valid_from
        )
        self._live_on(known, "united", united)
        self._live_on(new, "united", united)

    def _live_on(self, fact: CurrentFact, reason: str, in_fact: CurrentFact) -> None:
        self._end(fact, reason, by=in_fact)
        self._lives_on[fact.fact_id] = in_fact

    def _end(self, fact: CurrentFact, reason: str, *, by: CurrentFact) -> None:
        ended = EndedFact(fact_id=fact.fact_id, text=fact.text, reason=reason, superseded_by=by.fact_id)
        self.ended[fact.fact_id] = ended

    def _overrule(self, relation: Relation, guard: Guard, first: CurrentFact, second: CurrentFact) -> None:
        overruled = Overruled(relation=relation, guard=guard, first_id=first.fact_id, second_id=second.fact_id)
        self._overruled.append(overruled)


def _has_expired(fact: CurrentFact, now: datetime) -> bool:
    """Return whether the fact's end was in the future when it was said, and is in the past now.

    A fact whose end was already past when it was said tells of the past, and does not expire. Plans and states fade
    instead, and an event that is over is history.
    """
    if fact.life in (Life.PLAN, Life.STATE, Life.EVENT):
        return False
    return fact.said_valid_to is not None and fact.said_at < fact.said_valid_to < now and not fact.is_protected
