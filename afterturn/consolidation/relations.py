"""The relations of one candidate to the facts outside of its timeline, and the guards that overrule verdicts on it."""

from __future__ import annotations

from uuid import UUID

from afterturn.consolidation import fusion, placement, renewals
from afterturn.consolidation.decisions import EndReason, KnownFact, Overruled
from afterturn.consolidation.fusion import Fusion, Outcome
from afterturn.consolidation.guards import Guard
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.lives import Life
from afterturn.relation import Relation


class Relations:
    """Collects the relations of one candidate. `as_comparison` returns what was collected."""

    def __init__(self, candidate: VerifiedCandidate, same: KnownFact | None) -> None:
        self.candidate = candidate
        self._same = same
        self._refined: list[KnownFact] = []
        self._united: tuple[KnownFact, str] | None = None
        self._replaceable: dict[UUID, KnownFact] = {}
        self._ended_by: list[KnownFact] = []
        self._contradicted: list[KnownFact] = []
        self._reasons: dict[UUID, EndReason] = {}
        self._overruled: list[Overruled] = []

    def as_comparison(self) -> placement.Comparison:
        return placement.Comparison(
            same=self._same,
            refined=tuple(self._refined),
            united=self._united,
            replaceable=tuple(self._replaceable.values()),
            ended_by=tuple(self._ended_by),
            contradicted=tuple(self._contradicted),
            reasons=self._reasons,
            overruled=tuple(self._overruled),
        )

    def add_replaceable(self, fact: KnownFact, reason: EndReason) -> None:
        self._replaceable[fact.fact_id] = fact
        self._reasons[fact.fact_id] = reason

    def add_competing(self, fact: KnownFact) -> None:
        """Add a fact with another value of a single-valued attribute, or with the same one."""
        fused = placement.fuse_values(self.candidate, fact)
        if fused.outcome is Outcome.SEPARATE:
            self.add_replaceable(fact, EndReason.NEWER_VALUE)
        else:
            self._add_outcome(fact, Relation.SAME, fused)

    def add_ended(self, fact: KnownFact) -> None:
        """Add a fact of which the candidate says that it is over. What was said after the candidate is not."""
        if fact.said_at > self.candidate.said_at and not placement.is_from_person(self.candidate):
            self._overrule(Relation.ENDS, Guard.ORDER, fact)
        else:
            self.add_replaceable(fact, EndReason.ENDED)

    def add_ended_by(self, fact: KnownFact) -> None:
        """Add a fact that says that what the candidate says is over."""
        if fact.said_at < self.candidate.said_at or placement.is_from_person(self.candidate):
            self._overrule(Relation.ENDS, Guard.ORDER, fact, is_of_candidate=False)
        else:
            self._ended_by.append(fact)
            self._reasons[fact.fact_id] = EndReason.ENDED

    def add_outcome(self, fact: KnownFact, relation: Relation) -> None:
        """Add a plan whose outcome is the candidate, or the outcome of the candidate. What happened before is none."""
        times = (fact.times, self.candidate.times)
        event, plan = times if fact.life == Life.EVENT else times[::-1]
        if renewals.is_outcome(event, plan):
            self.add_replaceable(fact, EndReason.JUDGED)
        else:
            self._overrule(relation, Guard.ORDER, fact)

    def add_contradicted(self, fact: KnownFact) -> None:
        """Add a fact that the candidate contradicts. A person's word settles it at once."""
        if fact.is_protected or placement.is_from_person(self.candidate):
            self.add_replaceable(fact, EndReason.JUDGED)
        else:
            self._contradicted.append(fact)

    def add_fused(self, fact: KnownFact, relation: Relation) -> None:
        """Add a fact that says the same as the candidate, or less."""
        is_later = self.candidate.said_at >= fact.said_at
        self._add_outcome(fact, relation, fusion.fuse(fact, self.candidate.content, relation, is_new_later=is_later))

    def _add_outcome(self, fact: KnownFact, relation: Relation, fused: Fusion) -> None:
        if placement.is_from_person(self.candidate):
            # The fact is merged into what the person entered, which must say all of it.
            is_kept = fusion.fuse(self.candidate.content, fact, Relation.SAME).outcome is Outcome.KEEP
            fused = Fusion(Outcome.KEEP) if is_kept else Fusion(Outcome.SEPARATE, guard=fused.guard or Guard.PROTECTED)
        elif fact.is_protected and fused.outcome in (Outcome.TAKE, Outcome.UNITE):
            fused = Fusion(Outcome.SEPARATE, guard=Guard.PROTECTED)
        match fused.outcome:
            case Outcome.KEEP:
                self._same = self._same or fact
            case Outcome.TAKE:
                self._refined.append(fact)
            case Outcome.UNITE if fused.text is not None:
                self._united = self._united or (fact, fused.text)
            case _:
                self._overrule(relation, fused.guard or Guard.LENGTH, fact)

    def _overrule(self, relation: Relation, guard: Guard, fact: KnownFact, *, is_of_candidate: bool = True) -> None:
        ids = (self.candidate.fact_id, fact.fact_id)
        first_id, second_id = ids if is_of_candidate else ids[::-1]
        self._overruled.append(Overruled(relation=relation, guard=guard, first_id=first_id, second_id=second_id))
