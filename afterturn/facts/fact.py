"""The fact: one statement about the user's world, with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from afterturn.memories import Evidence

#: The two times of a fact. `world`: when it was true in the world. `recorded`: when afterturn had it as current.
TimeAxis = Literal["world", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement and all that is known about it. Facts are never overwritten: a new version has its own id."""

    fact_id: str
    #: One sentence that is clear without its conversation.
    text: str
    category: str
    topics: tuple[str, ...]
    #: The person or thing that it is about, a property of it, and the property's value; None where it has none.
    subject: str | None
    attribute: str | None
    value: str | None
    #: 0 trivial to 1 essential.
    importance: float
    #: Number of batches that say it.
    times_seen: int
    #: current, superseded or retracted: the status now, also in answers about an earlier time.
    status: str
    is_pinned: bool
    #: extracted (from a conversation) or person (a person entered it).
    origin: str
    #: user, assistant or other: the role of the turns in its evidence.
    said_by: str
    #: Since when and until when it is true in the world; None where no turn says so.
    valid_from: datetime | None
    valid_to: datetime | None
    #: Time of the last turn that says it.
    said_at: datetime
    #: Since when and until when afterturn had it as current.
    recorded_at: datetime
    superseded_at: datetime | None
    #: The fact that replaced it.
    superseded_by: str | None
    #: Why it is no longer current: newer_value, correction, judged, ended, merged, refined, united, settled, expired,
    #: person, challenge, removed or deleted.
    ended_because: str | None
    #: lasting, event, plan, state or attitude; None while it is not determined (facts of an earlier release).
    life: str | None = None
    #: When it leaves default reads, compared with the time of the user's newest turn; None: never.
    fades_at: datetime | None = None
    #: Whether it is a plan whose day has passed, and of which no outcome is known.
    is_outcome_unknown: bool = False
    #: The turns that say it, in the order of the conversation, without removed turns.
    evidence: tuple[Evidence, ...]
    #: Pass it to `facts` to get the facts that follow this one.
    cursor: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two current facts that cannot both be true, and of which none is newer by what it says."""

    #: The one that was said earlier, and the one that was said later.
    facts: tuple[Fact, Fact]
    found_at: datetime


def exclude_turns(facts: Sequence[Fact], hidden: Collection[tuple[str, str]]) -> list[Fact]:
    """Return the facts without the evidence of hidden turns. A fact whose evidence is all hidden is left out.

    A fact that had no evidence before (its turns were removed earlier) stays.

    Args:
        facts: the facts, with their evidence.
        hidden: (session id, turn id) of each hidden turn.
    """
    if not hidden:
        return list(facts)
    visible = []
    for fact in facts:
        evidence = tuple(item for item in fact.evidence if (item.session_id, item.turn_id) not in hidden)
        if evidence or not fact.evidence:
            visible.append(replace(fact, evidence=evidence))
    return visible
