"""The fact: one statement that is, or was, believed of the user's world, with its evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from afterturn.memories import Evidence

#: Which of the two times a moment is about: what held in the `world` then, or what was `recorded` (believed) then.
Time = Literal["world", "recorded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One statement and all that is known of it. Nothing is overwritten: a new version has an id of its own."""

    fact_id: str
    #: One sentence that stands alone.
    text: str
    category: str
    topics: tuple[str, ...]
    #: Whom or what it is about, which property of it, and the property's value, where it has them.
    subject: str | None
    attribute: str | None
    value: str | None
    #: 0 trivial to 1 essential.
    importance: float
    #: In how many batches it was said.
    times_seen: int
    #: current, superseded or retracted, now, whatever moment was asked about.
    status: str
    is_pinned: bool
    #: extracted from a conversation, or entered by a person.
    origin: str
    #: user, assistant or other: whose turns it rests on.
    said_by: str
    #: In the world; None where nobody said.
    valid_from: datetime | None
    valid_to: datetime | None
    #: When the last turn that says it was said.
    said_at: datetime
    #: In our knowledge: since when it was believed, and until when.
    recorded_at: datetime
    superseded_at: datetime | None
    #: The fact that took its place.
    superseded_by: str | None
    #: Why it is no longer current: newer_value, correction, judged, merged, expired, person, challenge, removed or
    #: deleted.
    ended_because: str | None
    #: Why it is believed, in the order in which it was said; without the turns that were taken back.
    evidence: tuple[Evidence, ...]


def without(found: Sequence[Fact], hidden: Collection[tuple[str, str]]) -> list[Fact]:
    """Return the facts that stand without the hidden turns, given as (session id, turn id).

    Hidden evidence is left out, and so is a fact that had no other.
    """
    if not hidden:
        return list(found)
    shown = []
    for fact in found:
        evidence = tuple(said for said in fact.evidence if (said.session_id, said.turn_id) not in hidden)
        if evidence or not fact.evidence:
            shown.append(replace(fact, evidence=evidence))
    return shown
