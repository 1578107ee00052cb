"""What the HTTP API takes and gives, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json


class TurnIn(BaseModel):
    """One turn to write. The rules are those of `MemoryClient.write`."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(description="user, assistant, system, tool or exchange")
    content: str = Field(description="what was said")
    turn_id: str | None = Field(None, description="the caller's id; a repeated call with the same id is the same turn")
    name: str | None = Field(None, description="the speaker's name")
    occurred_at: datetime | None = Field(None, description="when it was said, with a timezone; now when not given")
    metadata: dict[str, Any] = Field(default_factory=dict, description="JSON of the caller's own")
    memories_shown: list[str] = Field(default_factory=list, description="memories the assistant had been shown")


class WriteIn(BaseModel):
    """Turns of one session, in order."""

    model_config = ConfigDict(extra="forbid")

    turns: list[TurnIn] = Field(min_length=1, max_length=1_000)
    agent_id: str | None = None


class WriteOut(BaseModel):
    """The turns are acknowledged: Redis has them."""

    turn_ids: list[str]


class TurnOut(BaseModel):
    """One turn of a session."""

    model_config = ConfigDict(from_attributes=True)

    turn_id: str
    role: str
    content: str
    name: str | None
    agent_id: str | None
    occurred_at: datetime
    metadata: dict[str, Any]
    position: int | None


class HistoryOut(BaseModel):
    """Oldest first."""

    turns: list[TurnOut]


class EvidenceOut(BaseModel):
    """Who said it, when, word for word."""

    model_config = ConfigDict(from_attributes=True)

    session_id: str
    turn_id: str
    position: int | None
    speaker: str
    said_at: datetime
    quote: str


class MemoryOut(BaseModel):
    """One thing that is remembered."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    memory_id: str
    text: str
    score: float
    said_at: datetime
    session_id: str
    status: str
    category: str | None
    topics: list[str]
    importance: float | None
    valid_from: datetime | None
    valid_to: datetime | None
    superseded_texts: list[str]
    evidence: list[EvidenceOut]
    score_parts: dict[str, float] | None
    cursor: str | None


class RecallIn(BaseModel):
    """What to recall. The rules are those of `MemoryClient.recall`."""

    model_config = ConfigDict(extra="forbid")

    query: str | None = Field(None, description="a question; without one, the newest or the most important")
    limit: int = Field(10, ge=1, le=1_000)
    kinds: list[Literal["fact", "turn", "episode"]] | None = None
    topics: list[str] | None = Field(None, description="facts with any of these topics")
    session_id: str | None = Field(None, description="only what was said in this conversation")
    agent_id: str | None = Field(None, description="only what this agent wrote, and what rests on it")
    since: datetime | None = Field(None, description="from here on")
    until: datetime | None = Field(None, description="before there")
    time: Literal["world", "recorded"] = Field("world", description="which time since, until and as_of mean")
    as_of: datetime | None = Field(None, description="what was true, or believed, then")
    min_score: float | None = None
    include_superseded: bool = False
    metadata: Json[dict[str, Any]] | None = Field(None, description="JSON that the turn's metadata hold")
    order: Literal["newest", "importance"] | None = Field(None, description="without a query")
    cursor: str | None = Field(None, description="that of the last memory of the page before")
    explain: bool = False


class RecallBody(RecallIn):
    """The same as a body, for questions that are too long for a URL."""

    metadata: dict[str, Any] | None = Field(None, description="JSON that the turn's metadata hold")


class RecallOut(BaseModel):
    """Best first."""

    memories: list[MemoryOut]


class Health(BaseModel):
    """`ok` where both servers answer."""

    status: str
    redis: bool
    postgres: bool


class ErrorOut(BaseModel):
    """`code` is stable; `message` is for people."""

    code: str
    message: str
