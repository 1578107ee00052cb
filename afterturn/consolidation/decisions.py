"""The records of decisions: the known facts that a candidate is compared with, and what becomes of the candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from afterturn.consolidation.guards import Guard
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.lives import Times
from afterturn.relation import Relation

#: The verdicts of a model: (first, second) -> the relation of the first statement to the second. A candidate has the id
#: that its fact would get. Of each pair there is one verdict, in one direction.
Verdicts = Mapping[tuple[UUID, UUID], Relation]

NO_VERDICTS: Verdicts = MappingProxyType({})


class EndReason(StrEnum):
    """Why a fact is no longer current. The column `ended_because` has further values."""

    NEWER_VALUE = "newer_value"
    #: The speaker said that it was a mistake: it was never true.
    CORRECTION = "correction"
    JUDGED = "judged"
    #: A later statement says that it is over.
    ENDED = "ended"
    #: It contradicted another fact, which was said again later.
    SETTLED = "settled"
    #: A person entered another value.
    PERSON = "person"
    #: Another fact says the same, and got its evidence and dates.
    MERGED = "merged"
    #: Another fact says all of it, and more.
    REFINED = "refined"
    #: A fact was made of it and another one: their texts in one.
    UNITED = "united"
    #: It contradicts a fact that a person entered or pinned.
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFact:
    """A fact that candidates are compared with: a current one, a former value, or one that may be repeated."""

    fact_id: UUID
    text: str
    category: str = "other"
    subject: str | None
    attribute: str | None
    value: str | None
    #: None: it was stored by an earlier release.
    life: str | None = None
    #: Time of the last turn that says it, and of the first one; None for the first where only one turn says it.
    said_at: datetime
    first_said_at: datetime | None = None
    valid_from: datetime | None = None
    #: Until when it holds, as a turn said.
    said_valid_to: datetime | None = None
    is_current: bool = True
    #: If it is not current: when the fact that superseded it was said.
    replaced_at: datetime | None = None
    #: A person entered or pinned it: no extracted fact supersedes it.
    is_protected: bool = False
    #: It contradicts a protected fact that is still current.
    is_challenge: bool = False
    #: The current fact in which it lives on: it was merged into it, refined by it, or is a part of it.
    lives_on_in: UUID | None = None

    @property
    def since(self) -> datetime:
        """Since when it holds in the world, as far as is known."""
        return self.valid_from or self.first_said_at or self.said_at

    @property
    def times(self) -> Times:
        return Times(
            valid_from=self.valid_from,
            valid_to=self.said_valid_to,
            said_at=self.said_at,
            first_said_at=self.first_said_at,
        )

    @property
    def is_over(self) -> bool:
        """Whether it had ended already when it was said. It then tells of the past and competes with no other fact."""
        return self.said_valid_to is not None and self.said_valid_to <= self.said_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A fact that a candidate ends."""

    fact_id: UUID
    because: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Overruled:
    """A verdict on a pair that a guard overruled."""

    relation: Relation
    guard: Guard
    #: The statement that the verdict is of, and the one that it is compared with.
    first_id: UUID
    second_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """A fact that is made of a known fact and a candidate: each says something that the other lacks."""

    fact_id: UUID
    text: str
    #: The known fact. Both parts are superseded by the united fact.
    known_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one candidate."""

    candidate: VerifiedCandidate
    #: The fact that it repeats: the candidate then adds evidence only.
    repeats: UUID | None = None
    #: The facts that it supersedes, or that the fact which it repeats supersedes.
    ends: tuple[Ending, ...] = ()
    #: The fact that supersedes it from the beginning: a later one, or one of a person's that it contradicts.
    superseded_by: UUID | None = None
    ended_because: EndReason | None = None
    #: Since when, in the world, the superseding fact holds.
    valid_to: datetime | None = None
    #: Since when it holds, if the candidate does not say so itself.
    valid_from: datetime | None = None
    #: The fact that is made of the candidate and a known fact; it supersedes the candidate.
    united: United | None = None
    #: The current facts that it contradicts: they stay current, and are linked with it.
    contradicts: tuple[UUID, ...] = ()
    #: The verdicts on the candidate that guards overruled.
    overruled: tuple[Overruled, ...] = ()

    @property
    def fact_id(self) -> UUID:
        """The fact that rests on the candidate's evidence: the repeated one, or the candidate's own."""
        return self.repeats or self.candidate.fact_id

    @property
    def supersedes(self) -> tuple[UUID, ...]:
        return tuple(ending.fact_id for ending in self.ends)
