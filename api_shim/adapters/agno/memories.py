"""Facts in Agno's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agno.memory import UserMemory

from afterturn import Memory, MemoryClient

if TYPE_CHECKING:
    from afterturn.facts.fact import Fact

_PAGE = 1_000


def to_memory(fact: Fact | Memory, user_id: str) -> UserMemory:
    """Return a fact as a memory of Agno."""
    at = int(fact.said_at.timestamp())
    return UserMemory(
        memory=fact.text,
        memory_id=fact.memory_id if isinstance(fact, Memory) else fact.fact_id,
        topics=list(fact.topics),
        user_id=user_id,
        created_at=at,
        updated_at=at,
    )


def all_facts(client: MemoryClient) -> Iterator[Fact]:
    """Yield all current facts of a user. Raises MemoryUnavailable."""
    cursor = None
    while True:
        page = client.facts(limit=_PAGE, cursor=cursor)
        yield from page
        if len(page) < _PAGE:
            return
        cursor = page[-1].cursor
