"""What of a whole memory is put to the judge: what batches of a large memory had no room to compare."""

from __future__ import annotations

from afterturn.consolidation import alike, judgement
from afterturn.consolidation.decisions import KnownFact
from afterturn.consolidation.judgement import Question, Shown
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.sleep.memory import WholeMemory
from afterturn.sleep.tidying import HeldFact

#: Facts that one call asks about. Fewer: each is compared with more, at more calls.
FACTS_PER_QUESTION = 10


def unjudged(memory: WholeMemory) -> list[list[HeldFact]]:
    """Return the facts that came since the last time, in the groups in which they are asked about.

    Of a memory that one call can show, none: each of its facts was compared with all others when it came.
    """
    if judgement.has_room_for(_shown(fact) for fact in memory.facts):
        return []
    since = memory.slept_through
    new = [fact for fact in memory.facts if since is None or fact.recorded_at > since]
    return [new[start : start + FACTS_PER_QUESTION] for start in range(0, len(new), FACTS_PER_QUESTION)]


def about(connection: Connection, scope: UserScope, memory: WholeMemory, group: list[HeldFact]) -> Question | None:
    """Return the question about a group of facts, against the rest of the memory that is most alike to it."""
    new = [_shown(fact) for fact in group]
    own = {fact.fact_id for fact in group}
    owner = scope.key
    found = alike.most_alike(connection, owner, new, count=len(memory.facts))
    return judgement.ask([_shown(fact) for fact in found if fact.fact_id not in own], new)


def _shown(fact: KnownFact) -> Shown:
    return Shown(fact.fact_id, fact.text, fact.said_at)
