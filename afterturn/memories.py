"""What recall returns: memories, each with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a memory is believed: who said it, when, word for word."""

    session_id: str
    turn_id: str
    #: The turn's place in its session; None while it is pending.
    position: int | None
    #: The name to show: the speaker's, else the role.
    speaker: str
    said_at: datetime
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One thing that is remembered of a user."""

    #: fact, episode or turn.
    kind: str
    #: The fact's id, the episode's batch id, or the turn's id.
    memory_id: str
    text: str
    #: Larger is better; comparable within one answer only. 0 where there was no query.
    score: float
    #: When the last turn behind it was said.
    said_at: datetime
    session_id: str
    evidence: tuple[Evidence, ...]
    #: Facts: current, superseded or retracted. Others: current.
    status: str = "current"
    category: str | None = None
    topics: tuple[str, ...] = ()
    #: Facts: 0 to 1.
    importance: float | None = None
    #: In the world; None where nobody said.
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    #: Facts: what was believed before it took its place, newest first.
    superseded_texts: tuple[str, ...] = ()
    #: Where it was asked to explain: what each part of the ranking gave to the score.
    score_parts: Mapping[str, float] | None = None
    #: Recall goes on behind this memory, when it is given this.
    cursor: str | None = None


def without(found: Sequence[Memory], hidden: Collection[tuple[str, str]]) -> list[Memory]:
    """Return the memories that stand without the hidden turns, given as (session id, turn id).

    Hidden evidence is left out, and so is a memory that has no other. What was believed before is not shown while
    anything is hidden, because its evidence is not known here.
    """
    if not hidden:
        return list(found)
    shown = []
    for memory in found:
        evidence = tuple(said for said in memory.evidence if (said.session_id, said.turn_id) not in hidden)
        if evidence:
            shown.append(replace(memory, evidence=evidence, superseded_texts=()))
    return shown
