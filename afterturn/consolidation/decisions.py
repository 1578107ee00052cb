"""Deciding: each candidate repeats a fact, supersedes some, was superseded before it came, or is simply new.

Pure functions of the candidates, the facts that are known and what was judged of them. What supersedes what follows
from when the turns were said, not from the order in which batches are applied; a person's word stands against any
that was extracted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from afterturn.candidate import Candidate
from afterturn.consolidation import likeness, rules
from afterturn.consolidation.rules import Names, Relation
from afterturn.extraction.verification import BelievedCandidate, normalise

#: Verdicts of a judging call, by the ids of the two statements (a candidate has the id that its fact would get).
Verdicts = Mapping[frozenset[UUID], Relation]

NOTHING_JUDGED: Verdicts = MappingProxyType({})


class Because(StrEnum):
    """Why a fact is no longer current; the column `ended_because` has more of them."""

    NEWER_VALUE = "newer_value"
    #: The speaker took it back as a mistake: it was never true.
    CORRECTION = "correction"
    JUDGED = "judged"
    #: A person entered something else.
    PERSON = "person"
    #: Another fact says the same, and has its evidence and dates.
    MERGED = "merged"
    #: A person's word stands against it.
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFact:
    """What deciding needs to know of a fact: a current one, or an earlier one that may be said again or be in line."""

    fact_id: UUID
    text: str
    category: str = "other"
    subject: str | None
    attribute: str | None
    value: str | None
    #: When the last turn that says it was said, and when the first.
    said_at: datetime
    first_said_at: datetime | None = None
    valid_from: datetime | None = None
    #: Until when it was said to hold.
    said_valid_to: datetime | None = None
    is_current: bool = True
    #: When what took its place was said, where it is current no more.
    replaced_at: datetime | None = None
    #: A person entered or pinned it: no extraction takes its place.
    is_protected: bool = False
    #: It was said against a person's word, which stands.
    is_challenge: bool = False

    @property
    def since(self) -> datetime:
        """Since when it holds in the world, as far as is known."""
        return self.valid_from or self.first_said_at or self.said_at

    @property
    def is_over(self) -> bool:
        """Whether it was over already when it was said: it then tells of the past, whatever is current."""
        return self.said_valid_to is not None and self.said_valid_to <= self.said_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A fact whose place is taken."""

    fact_id: UUID
    because: Because


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one candidate."""

    believed: BelievedCandidate
    #: The fact that it says again; it then adds evidence only.
    repeats: UUID | None = None
    #: The facts whose place it takes, or the one that it repeats takes.
    ends: tuple[Ending, ...] = ()
    #: The fact that takes its place: what it says is history already when it comes, or a person says otherwise.
    superseded_by: UUID | None = None
    ended_because: Because | None = None
    #: When that one began, in the world.
    valid_to: datetime | None = None
    #: Since when it holds, where it does not say so itself.
    valid_from: datetime | None = None

    @property
    def fact_id(self) -> UUID:
        """The fact that stands for it from now on."""
        return self.repeats or self.believed.fact_id

    @property
    def supersedes(self) -> tuple[UUID, ...]:
        return tuple(ending.fact_id for ending in self.ends)


def decide(
    candidates: Sequence[BelievedCandidate],
    known: Iterable[KnownFact],
    verdicts: Verdicts = NOTHING_JUDGED,
    names: Names | None = None,
) -> list[Decision]:
    """Return one decision per candidate, in order; each sees what the ones before it made current."""
    deciding = _Deciding(known, verdicts, names or Names())
    return [deciding.next(believed) for believed in candidates]


class _Deciding:
    def __init__(self, known: Iterable[KnownFact], verdicts: Verdicts, names: Names) -> None:
        given = list(known)
        self._facts = {fact.fact_id: fact for fact in given if not fact.is_challenge}
        self._verdicts = verdicts
        self._names = names
        #: The candidates that a fact stands for besides: what was judged of them is judged of it.
        self._repeated_by: dict[UUID, list[UUID]] = defaultdict(list)
        #: What was said against a person's word: said again, it still is.
        self._challenges = [fact for fact in given if fact.is_challenge]

    def next(self, believed: BelievedCandidate) -> Decision:
        line = self._line(believed)
        beside = self._beside(believed, line)
        decision = _decision(believed, _Place.among(believed, line, beside.rivals), beside)
        self._remember(decision)
        return decision

    def _line(self, believed: BelievedCandidate) -> list[KnownFact]:
        """Return the values that a single-valued attribute has had, in the order of time.

        Empty where none competes with the candidate, and where a person's word does: that does not go by time.
        """
        if _is_from_person(believed):
            return []
        line = [fact for fact in self._facts.values() if self._compete(believed, fact)]
        if any(fact.is_protected and fact.is_current for fact in line):
            return []
        return sorted(line, key=lambda fact: (fact.said_at, fact.is_current))

    def _beside(self, believed: BelievedCandidate, line: Sequence[KnownFact]) -> _Beside:
        """Return what the candidate repeats and contradicts among the facts that are not in line with it."""
        history = [fact for fact in self._facts.values() if not fact.is_current and fact not in line]
        same = next((fact for fact in history if self._says_history_again(believed, fact)), None)
        same = same or next((fact for fact in self._challenges if self._says_the_same(believed, fact)), None)
        rivals = {}
        for fact in [fact for fact in self._facts.values() if fact.is_current and fact not in line]:
            relation, because = self._relation(believed, fact)
            if relation is Relation.SAME:
                same = same or fact
            elif relation is Relation.REPLACES:
                rivals[fact.fact_id] = (fact, because)
        return _Beside(
            same=same,
            rivals=[fact for fact, _ in rivals.values()],
            reasons={fact_id: because for fact_id, (_, because) in rivals.items()},
        )

    def _relation(self, believed: BelievedCandidate, fact: KnownFact) -> tuple[Relation | None, Because]:
        """Return how a candidate stands to a current fact, and why it would take its place."""
        candidate = believed.candidate
        found = rules.relation(candidate, fact, self._names)
        if found is not Relation.SAME and self._compete(believed, fact):
            # Here only where a person's word is one of the two.
            found = Relation.SAME if _says_as_much(candidate, fact) else Relation.REPLACES
        if found is None and self._has_ended(believed, fact):
            found = Relation.REPLACES
        if found is not None:
            return found, Because.NEWER_VALUE
        judged = self._judged(believed, fact)
        if judged is Relation.SAME and _is_another(candidate, fact):
            judged = None
        return judged, Because.JUDGED

    def _compete(self, believed: BelievedCandidate, fact: KnownFact) -> bool:
        is_over = _is_over(believed) or fact.is_over
        return not is_over and rules.compete(believed.candidate, fact, self._names)

    def _has_ended(self, believed: BelievedCandidate, fact: KnownFact) -> bool:
        """Whether one of the two says until when it was so, and the other that it is so, from an earlier time on."""
        candidate = believed.candidate
        if candidate.valid_to is not None and rules.tells_the_end_of(candidate, fact, self._names):
            return fact.since < candidate.valid_to
        if fact.said_valid_to is not None and rules.tells_the_end_of(fact, candidate, self._names):
            return _since(believed) < fact.said_valid_to
        return False

    def _says_history_again(self, believed: BelievedCandidate, fact: KnownFact) -> bool:
        """Whether it says the same as a fact whose place was taken by what was said later still."""
        return _is_before_its_end(believed, fact) and self._says_the_same(believed, fact)

    def _says_the_same(self, believed: BelievedCandidate, fact: KnownFact) -> bool:
        return rules.relation(believed.candidate, fact, self._names) is Relation.SAME

    def _judged(self, believed: BelievedCandidate, fact: KnownFact) -> Relation | None:
        for fact_id in (fact.fact_id, *self._repeated_by[fact.fact_id]):
            if judged := self._verdicts.get(frozenset((believed.fact_id, fact_id))):
                return judged
        return None

    def _remember(self, decision: Decision) -> None:
        believed = decision.believed
        for ending in decision.ends:
            fact = self._facts[ending.fact_id]
            self._facts[ending.fact_id] = replace(fact, is_current=False, replaced_at=believed.said_at)
        if decision.ended_because is Because.CHALLENGE:
            self._challenges.append(_as_known(decision))
        elif decision.repeats is None:
            later = decision.superseded_by and self._facts[decision.superseded_by]
            self._facts[believed.fact_id] = replace(_as_known(decision), replaced_at=later.said_at if later else None)
        elif decision.repeats in self._facts:
            fact = self._facts[decision.repeats]
            self._repeated_by[fact.fact_id].append(believed.fact_id)
            self._facts[fact.fact_id] = replace(
                fact,
                said_at=max(fact.said_at, believed.said_at),
                first_said_at=min(fact.first_said_at or fact.said_at, believed.said_at),
                is_protected=fact.is_protected or _is_from_person(believed),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """How a candidate stands to the current facts that are not values of one single-valued attribute with it."""

    same: KnownFact | None
    rivals: Sequence[KnownFact]
    #: Why it would take their place.
    reasons: Mapping[UUID, Because]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a candidate stands in the order of time."""

    #: What it says again.
    same: KnownFact | None
    #: What it takes the place of.
    older: Sequence[KnownFact]
    #: What takes its place.
    later: KnownFact | None

    @classmethod
    def among(cls, believed: BelievedCandidate, line: Sequence[KnownFact], rivals: Sequence[KnownFact]) -> _Place:
        """Return the place between the values of a line, and between what contradicts the candidate besides."""
        before = next((fact for fact in reversed(line) if fact.said_at <= believed.said_at), None)
        after = next((fact for fact in line if fact.said_at > believed.said_at), None)
        by_person = _is_from_person(believed)
        older = [fact for fact in rivals if by_person or (fact.said_at <= believed.said_at and not fact.is_protected)]
        next_ones = [fact for fact in (after, *rivals) if fact is not None and fact not in older]
        later = min(next_ones, key=lambda fact: fact.said_at, default=None)
        # What is history and has nothing after it was ended by something else: to say it again is news.
        neighbours = (None if _came_between(line, before, believed) else before, after)
        said = [
            fact
            for fact in neighbours
            if fact is not None and (fact.is_current or later is not None or _is_before_its_end(believed, fact))
        ]
        # The value just before it, be it history already; and whatever else is current that should not be.
        in_line = [fact for fact in line if fact is before or (fact.is_current and fact.said_at <= believed.said_at)]
        return cls(
            same=next((fact for fact in said if _says_as_much(believed.candidate, fact)), None),
            older=[*in_line, *older],
            later=later,
        )


def _decision(believed: BelievedCandidate, place: _Place, beside: _Beside) -> Decision:
    corrects = believed.candidate.corrects

    def why(fact: KnownFact) -> Because:
        if _is_from_person(believed):
            return Because.PERSON
        return Because.CORRECTION if corrects else beside.reasons.get(fact.fact_id, Because.NEWER_VALUE)

    if place.same is not None:
        ends = [fact for fact in place.older if fact.fact_id in beside.reasons]
        return Decision(believed=believed, repeats=place.same.fact_id, ends=_endings(ends, why))
    same, later = beside.same, place.later
    ends = [fact for fact in place.older if fact is not same]
    if same is not None:
        return Decision(believed=believed, repeats=same.fact_id, ends=_endings(ends, why))
    holder = next((fact for fact in beside.rivals if fact.is_protected and not _is_from_person(believed)), None)
    if holder is not None:
        return Decision(believed=believed, superseded_by=holder.fact_id, ended_because=Because.CHALLENGE)
    corrected = max(ends, key=lambda fact: fact.said_at, default=None) if corrects else None
    return Decision(
        believed=believed,
        ends=_endings(ends, why),
        superseded_by=None if later is None else later.fact_id,
        ended_because=None if later is None else beside.reasons.get(later.fact_id, Because.NEWER_VALUE),
        valid_to=None if later is None else _began(later, believed),
        valid_from=None if corrected is None else corrected.since,
    )


def _endings(facts: Iterable[KnownFact], why: Callable[[KnownFact], Because]) -> tuple[Ending, ...]:
    return tuple(Ending(fact_id=fact.fact_id, because=why(fact)) for fact in facts)


def _came_between(line: Sequence[KnownFact], before: KnownFact | None, believed: BelievedCandidate) -> bool:
    """Whether another value was said for the first time after the one before a candidate, and again only after it."""
    return before is not None and any(
        before.said_at < (fact.first_said_at or fact.said_at) <= believed.said_at < fact.said_at for fact in line
    )


def _is_before_its_end(believed: BelievedCandidate, fact: KnownFact) -> bool:
    return fact.replaced_at is not None and believed.said_at < fact.replaced_at


def _began(later: KnownFact, believed: BelievedCandidate) -> datetime:
    """When what takes a candidate's place began: not before the candidate was said, unless it says so itself."""
    if later.valid_from is not None or later.since > believed.said_at:
        return later.since
    return later.said_at


def _is_over(believed: BelievedCandidate) -> bool:
    """Whether it says itself that it was over when it was said: it then competes with nothing that is current."""
    return believed.candidate.valid_to is not None and believed.candidate.valid_to <= believed.said_at


def _is_from_person(believed: BelievedCandidate) -> bool:
    return believed.origin == "person"


def _since(believed: BelievedCandidate) -> datetime:
    return believed.candidate.valid_from or believed.said_at


def _is_another(candidate: Candidate, fact: KnownFact) -> bool:
    """Whether it is another fact, whoever says that it is the same."""
    if normalise(candidate.text) == normalise(fact.text):
        return rules.happened_twice(candidate, fact)
    return likeness.differ_in_detail(candidate.text, fact.text)


def _says_as_much(candidate: Candidate, fact: KnownFact) -> bool:
    """Whether it has the same value, and no number, date or name of its own."""
    return rules.have_same_value(candidate, fact) and not likeness.differ_in_detail(candidate.text, fact.text)


def _as_known(decision: Decision) -> KnownFact:
    believed = decision.believed
    candidate = believed.candidate
    return KnownFact(
        fact_id=believed.fact_id,
        text=candidate.text,
        category=candidate.category,
        subject=candidate.subject,
        attribute=candidate.attribute,
        value=candidate.value,
        said_at=believed.said_at,
        valid_from=candidate.valid_from or decision.valid_from,
        said_valid_to=candidate.valid_to,
        is_current=decision.superseded_by is None,
        is_protected=_is_from_person(believed),
    )
