"""Memories: the results of recall, each with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The turn that a memory comes from, and its words."""

    session_id: str
    turn_id: str
    #: The turn's place in its session; None while the turn is pending.
    position: int | None
    #: The speaker's name, or the role where the turn has no name.
    speaker: str
    said_at: datetime
    #: Words of the turn, copied exactly.
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One fact, episode or turn of a user."""

    #: fact, episode or turn.
    kind: str
    #: The fact's id, the episode's batch id, or the turn's id.
    memory_id: str
    text: str
    #: Larger is better; comparable within one result only. 0 where there was no query.
    score: float
    #: Time of the last turn in its evidence.
    said_at: datetime
    session_id: str
    evidence: tuple[Evidence, ...]
    #: Facts: current, superseded or retracted. Others: current.
    status: str = "current"
    category: str | None = None
    topics: tuple[str, ...] = ()
    #: Facts: 0 to 1.
    importance: float | None = None
    #: Since when and until when it holds in the world; None where no turn says so.
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    #: Facts: lasting, event, plan, state or attitude; None while it is not determined (facts of an earlier release).
    life: str | None = None
    #: Facts: when it leaves default reads, compared with the time of the user's newest turn; None: never.
    fades_at: datetime | None = None
    #: Facts: a plan whose day has passed, and of which no outcome is known.
    is_outcome_unknown: bool = False
    #: Facts: the texts of the facts that it superseded, newest first.
    superseded_texts: tuple[str, ...] = ()
    #: Facts: the texts of current facts that cannot be true together with it, newest first.
    contradicting_texts: tuple[str, ...] = ()
    #: With `explain`: what each part of the ranking contributes to the score.
    score_parts: Mapping[str, float] | None = None
    #: Pass it to recall to get the memories that follow this one.
    cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One conversation of a user."""

    session_id: str
    #: The number of archived turns, without removed ones.
    turns: int
    #: Whether turns or removals wait to be archived.
    is_pending: bool
    #: When the first turn was archived; None if none is archived yet.
    created_at: datetime | None
    #: When the last turn was archived.
    last_active_at: datetime | None
    #: The latest time at which an archived turn was said.
    last_said_at: datetime | None
    #: Pass it to `sessions` to get the sessions that follow this one.
    cursor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened in one part of a conversation."""

    episode_id: str
    session_id: str
    title: str
    summary: str
    outcome: str
    participants: tuple[str, ...]
    #: The times of its first and last turn.
    started_at: datetime
    ended_at: datetime
    #: When it was stored.
    recorded_at: datetime
    #: The turns that it summarizes, without removed ones.
    turn_ids: tuple[str, ...]
    #: How well it answers the query; None without a query.
    score: float | None = None
    #: Pass it to `episodes` to get the episodes that follow this one.
    cursor: str | None = None


def exclude_turns(memories: Sequence[Memory], hidden: Collection[tuple[str, str]]) -> list[Memory]:
    """Return the memories without the evidence of hidden turns.

    A memory whose evidence is all hidden is left out. The texts of other facts are left out while any turn is hidden,
    because their evidence is not known here.

    Args:
        memories: the results of recall.
        hidden: (session id, turn id) of each hidden turn.
    """
    if not hidden:
        return list(memories)
    visible = []
    for memory in memories:
        evidence = tuple(item for item in memory.evidence if (item.session_id, item.turn_id) not in hidden)
        if evidence:
            visible.append(replace(memory, evidence=evidence, superseded_texts=(), contradicting_texts=()))
    return visible
