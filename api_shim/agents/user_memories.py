"""The memories of a user, as AgentOS has them: current facts with their topics."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn import AsyncMemoryClient
from afterturn.facts.fact import Fact
from api_shim.agents.schemas import MemoryIn, UserMemoryOut

#: Facts that are read in one statement.
_READ_LIMIT = 1_000
#: Facts that are read for one page of a list with page numbers, which counts them all. More: a request takes seconds.
COUNTED_LIMIT = 10_000


def split_topics(given: Sequence[str]) -> list[str]:
    """Return topics that are given one by one, or several in one text between commas."""
    return [topic.strip() for text in given for topic in text.split(",") if topic.strip()]


async def list_page(
    memory: AsyncMemoryClient, topics: Sequence[str], *, limit: int, cursor: str | None
) -> tuple[list[Fact], str | None]:
    """Return facts that have all topics, the most recently said first, and the cursor of the next page if there is one.

    Args:
        memory: the client of the user.
        topics: the topics; in upper or lower case.
        limit: the largest number of facts.
        cursor: the cursor of the page; None: the first one.

    Raises InvalidInput or MemoryUnavailable.
    """
    size = limit if len(topics) < 2 else _READ_LIMIT
    found: list[Fact] = []
    while True:
        facts = await memory.facts(topic=topics[0] if topics else None, limit=size, cursor=cursor)
        for fact in facts:
            if _has_topics(fact, topics):
                found.append(fact)
                if len(found) == limit:
                    return found, fact.cursor
        if len(facts) < size:
            return found, None
        cursor = facts[-1].cursor


async def list_all(memory: AsyncMemoryClient, topics: Sequence[str]) -> list[Fact]:
    """Return the facts that have all topics, the most recently said first, COUNTED_LIMIT at most."""
    found: list[Fact] = []
    cursor: str | None = None
    while len(found) < COUNTED_LIMIT:
        facts, cursor = await list_page(memory, topics, limit=_READ_LIMIT, cursor=cursor)
        found += facts
        if cursor is None:
            break
    return found


async def add(
    memory: AsyncMemoryClient, user_id: str, given: Sequence[MemoryIn], *, edit_id: str | None
) -> list[UserMemoryOut]:
    """Add memories, all or none, and return them as they will be. Raises InvalidInput or MemoryUnavailable."""
    facts = [{"text": each.memory, "topics": each.topics or []} for each in given]
    fact_ids = await memory.add_facts(facts, edit_id=edit_id)
    return [
        UserMemoryOut(memory_id=fact_id, memory=each.memory, topics=each.topics or [], user_id=user_id, updated_at=None)
        for fact_id, each in zip(fact_ids, given, strict=True)
    ]


def describe(fact: Fact, user_id: str) -> UserMemoryOut:
    """Return a fact as a memory."""
    return UserMemoryOut(
        memory_id=fact.fact_id,
        memory=fact.text,
        topics=list(fact.topics),
        user_id=user_id,
        updated_at=fact.recorded_at,
    )


def _has_topics(fact: Fact, topics: Sequence[str]) -> bool:
    return {topic.lower() for topic in topics} <= {topic.lower() for topic in fact.topics}
