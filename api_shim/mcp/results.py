"""The answers of tools: objects. What is None is left out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from afterturn.facts.fact import Fact
from afterturn.memories import Memory
from afterturn.threads.thread import Thread, ThreadStep
from api_shim.mcp.memory_ids import TurnId

#: The longest text of a recalled memory. `fetch` returns all of it.
TEXT_CHARACTERS = 2_000
#: Quotes of one fact that a list shows.
QUOTES_SHOWN = 3


class Remembered(BaseModel):
    turn_id: str = Field(description="The id of what was written.")
    session_id: str = Field(description="The conversation that it is part of.")


class Recalled(BaseModel):
    id: str = Field(description="For fetch; of a fact, also for correct_fact and forget_fact.")
    kind: str = Field(description="fact, or turn: what was said, word for word.")
    text: str
    is_shortened: bool | None = Field(None, description="True: fetch returns the whole text.")
    said_at: datetime
    speaker: str | None = None
    session_id: str
    status: str | None = Field(None, description="superseded: no longer true.")
    life: str | None = Field(None, description="Of a fact: lasting, event, plan, state or attitude.")
    fades_at: datetime | None = Field(None, description="When the fact will no longer be recalled.")
    outcome: str | None = Field(None, description="unknown: a plan whose day has passed.")
    score: float = Field(description="Larger fits better; comparable in one answer only.")


class RecalledMemories(BaseModel):
    memories: list[Recalled] = Field(description="Best first.")


class ContextText(BaseModel):
    messages: list[dict[str, Any]] = Field(
        description="In the form of chat APIs: one message with the memory, as data, then the recent turns."
    )
    tokens: int = Field(description="Of all messages, by estimate.")


class FactShown(BaseModel):
    fact_id: str
    text: str
    category: str | None = None
    topics: list[str]
    subject: str | None = None
    attribute: str | None = None
    value: str | None = None
    said_at: datetime
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    status: str = Field(description="current or superseded.")
    life: str | None = Field(None, description="lasting, event, plan, state or attitude.")
    fades_at: datetime | None = Field(None, description="When the fact will no longer be recalled.")
    outcome: str | None = Field(None, description="unknown: a plan whose day has passed.")
    quotes: list[str] = Field(description="The words that it is known from.")


class FactPage(BaseModel):
    facts: list[FactShown] = Field(description="The most recently said first.")
    next_cursor: str | None = Field(None, description="For the next page; absent: there is none.")


class ContradictionShown(BaseModel):
    facts: list[FactShown] = Field(description="The one said earlier, and the one said later.")


class Contradictions(BaseModel):
    contradictions: list[ContradictionShown] = Field(description="Pairs of facts that cannot both be true.")


class ThreadStepShown(BaseModel):
    text: str
    day: date | None = Field(None, description="When its last fact began to hold, or was said.")
    fact_ids: list[str] = Field(description="The facts that it rests on.")


class ThreadShown(BaseModel):
    title: str = Field(description="What it is about.")
    steps: list[ThreadStepShown] = Field(description="Oldest first.")
    state: ThreadStepShown | None = Field(None, description="How it stands now; absent: not known.")
    last_said_at: datetime


class ThreadList(BaseModel):
    threads: list[ThreadShown] = Field(description="The one that was last said something about first.")


class Corrected(BaseModel):
    fact_id: str = Field(description="The id of the corrected fact.")


class Forgotten(BaseModel):
    fact_id: str = Field(description="The fact that is not true any more.")


class SearchResult(BaseModel):
    id: str
    title: str
    url: str


class SearchResults(BaseModel):
    results: list[SearchResult]


class Document(BaseModel):
    id: str
    title: str
    text: str
    url: str
    metadata: dict[str, str]


def show_memory(memory: Memory) -> Recalled:
    """Return a recalled memory as tools show it."""
    is_shortened = len(memory.text) > TEXT_CHARACTERS
    return Recalled(
        id=name_memory(memory),
        kind=memory.kind,
        text=memory.text[:TEXT_CHARACTERS] + "…" if is_shortened else memory.text,
        is_shortened=True if is_shortened else None,
        said_at=memory.said_at,
        speaker=memory.evidence[0].speaker if memory.kind == "turn" and memory.evidence else None,
        session_id=memory.session_id,
        status=None if memory.status == "current" else memory.status,
        life=memory.life,
        fades_at=memory.fades_at,
        outcome="unknown" if memory.is_outcome_unknown else None,
        score=round(memory.score, 4),
    )


def name_memory(memory: Memory) -> str:
    """Return the id of a memory, which no other memory of the user has."""
    return memory.memory_id if memory.kind == "fact" else str(TurnId(memory.session_id, memory.memory_id))


def show_fact(fact: Fact) -> FactShown:
    """Return a fact as lists show it."""
    properties = ("text", "category", "subject", "attribute", "value", "status", "life")
    times = ("said_at", "valid_from", "valid_to", "fades_at")
    return FactShown(
        fact_id=str(fact.fact_id),
        outcome="unknown" if fact.is_outcome_unknown else None,
        topics=list(fact.topics),
        quotes=[evidence.quote[:TEXT_CHARACTERS] for evidence in fact.evidence[:QUOTES_SHOWN]],
        **{name: getattr(fact, name) for name in (*properties, *times)},
    )


def show_thread(thread: Thread) -> ThreadShown:
    """Return a thread as lists show it."""
    return ThreadShown(
        title=thread.title,
        steps=[_show_step(step) for step in thread.steps],
        state=None if thread.state is None else _show_step(thread.state),
        last_said_at=thread.last_said_at,
    )


def _show_step(step: ThreadStep) -> ThreadStepShown:
    return ThreadStepShown(text=step.text, day=step.day, fact_ids=list(step.fact_ids))
