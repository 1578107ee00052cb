"""The questions about a whole memory for the judge: facts that batches of a large memory could not compare."""

from __future__ import annotations

from afterturn.consolidation import judgement, similar_facts
from afterturn.consolidation.decisions import KnownFact
from afterturn.consolidation.judgement import JudgeQuestion, ShownFact
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.sleep.tidying import CurrentFact
from afterturn.sleep.whole_memory import WholeMemory

#: Facts per judging call. Fewer: each is compared with more facts, but more calls are made.
FACTS_PER_QUESTION = 10


def unjudged_groups(memory: WholeMemory) -> list[list[CurrentFact]]:
    """Return the facts recorded since the last run, in groups of one question each.

    A memory that fits into one judging call has none: each of its facts was compared with all others when its batch
    was applied.
    """
    if judgement.fits_one_call(_shown(fact) for fact in memory.facts):
        return []
    since = memory.slept_through
    new = [fact for fact in memory.facts if since is None or fact.recorded_at > since]
    return [new[start : start + FACTS_PER_QUESTION] for start in range(0, len(new), FACTS_PER_QUESTION)]


def make_group_question(
    connection: Connection, scope: UserScope, memory: WholeMemory, group: list[CurrentFact]
) -> JudgeQuestion | None:
    """Return the question that compares a group of facts with the most similar others; None if there are none."""
    new = [_shown(fact) for fact in group]
    group_ids = {fact.fact_id for fact in group}
    similar = similar_facts.read_similar_facts(connection, scope.key, new, count=len(memory.facts))
    return judgement.make_question([_shown(fact) for fact in similar if fact.fact_id not in group_ids], new)


def _shown(fact: KnownFact) -> ShownFact:
    return ShownFact(fact.fact_id, fact.text, fact.said_at)
