"""The JSON bodies of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Json, SkipValidation, model_validator

from afterturn.lives import LifeName

#: The largest number of fields of an object. Messages of chat APIs have fewer than twenty.
FIELDS_LIMIT = 100


class Body(BaseModel):
    """An object of a request. One with very many fields is refused before each of them is looked at."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data) > FIELDS_LIMIT:
            raise ValueError(f"an object has at most {FIELDS_LIMIT} fields")
        return data


class TurnIn(Body):
    """One turn to write: a message of a chat API as it is. The rules of `MemoryClient.write` apply.

    Other fields of messages, such as tool_calls, tool_call_id and refusal, are allowed. Unknown fields are refused.
    """

    model_config = ConfigDict(extra="allow")

    role: str | None = Field(None, description="user, assistant, system, developer, tool, function or exchange")
    content: SkipValidation[str | list[dict[str, Any]] | None] = Field(
        None, description="the text of the turn, a list of content parts, or null beside tool calls"
    )
    turn_id: str | None = Field(None, description="an id that the caller chooses; the same id is never stored twice")
    name: str | None = Field(None, description="the speaker's name")
    occurred_at: datetime | None = Field(None, description="the time of the turn, with a timezone; by default now")
    metadata: dict[str, Any] = Field(default_factory=dict, description="the caller's own JSON data")
    memories_shown: list[str] = Field(default_factory=list, description="ids of the memories that the assistant saw")

    def arguments(self) -> dict[str, Any]:
        """Return the fields that were sent: the arguments of `MemoryClient.write`."""
        extra = self.model_extra or {}
        given = {name: getattr(self, name) for name in self.model_fields_set - extra.keys()} | extra
        # Without a content, `write` would take the role for the text of a turn.
        return {"content": None} | given


class WriteIn(Body):
    """Turns of one session, oldest first."""

    turns: list[TurnIn] = Field(min_length=1, max_length=1_000)
    agent_id: str | None = None


class WriteOut(BaseModel):
    """The ids of the turns. Redis has stored the turns."""

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
    away: str | None = Field(
        description="why the content is not here: the code of an error of the cold archive; null: it is here"
    )


class HistoryOut(BaseModel):
    """Turns, oldest first."""

    turns: list[TurnOut]
    next_cursor: str | None = Field(description="the cursor of the turns before these; null: there are none")


class RemovedOut(BaseModel):
    """How many turns were removed."""

    removed: int


class EvidenceOut(BaseModel):
    """A verbatim quote, with its speaker and time."""

    model_config = ConfigDict(from_attributes=True)

    session_id: str
    turn_id: str
    position: int | None
    speaker: str
    said_at: datetime
    quote: str


class MemoryOut(BaseModel):
    """One memory: a fact, a turn or an episode."""

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
    life: LifeName | None = Field(description="of a fact: what kind of statement it is")
    fades_at: datetime | None = Field(
        description="when the fact leaves recall, compared with the time of the user's newest turn; null: never"
    )
    is_outcome_unknown: bool = Field(description="a plan whose day has passed, and of which no outcome is known")
    superseded_texts: list[str]
    contradicting_texts: list[str] = Field(description="current facts that cannot be true together with this one")
    evidence: list[EvidenceOut]
    score_parts: dict[str, float] | None
    cursor: str | None


class RecallIn(Body):
    """A query with its filters. The rules of `MemoryClient.recall` apply."""

    query: str | None = Field(None, description="a question or a topic; without a query, see order")
    limit: int = Field(10, ge=1, le=1_000)
    kinds: list[Literal["fact", "turn", "episode"]] | None = Field(None, max_length=10)
    topics: list[str] | None = Field(None, max_length=100, description="only facts with at least one of these topics")
    session_id: str | None = Field(None, description="only memories from this conversation")
    agent_id: str | None = Field(None, description="only turns of this agent, and memories based on them")
    since: datetime | None = Field(None, description="only memories of this time or later")
    until: datetime | None = Field(None, description="only memories before this time")
    time: Literal["world", "recorded"] = Field(
        "world", description="the time that since, until and as_of are compared with"
    )
    as_of: datetime | None = Field(None, description="facts that were true (recorded: stored as current) at this time")
    min_score: float | None = Field(None, allow_inf_nan=False)
    include_superseded: bool = False
    include_faded: bool = Field(False, description="also plans and states that nobody spoke of for a while")
    metadata: Json[dict[str, Any]] | None = Field(
        None, description="only turns whose metadata contain this JSON object"
    )
    order: Literal["newest", "importance"] | None = Field(None, description="the order without a query")
    cursor: str | None = Field(None, description="the cursor of the last memory of the previous page")
    explain: bool = False


class RecallBody(RecallIn):
    """The same fields as a request body, for queries that are too long for a URL."""

    metadata: dict[str, Any] | None = Field(None, description="only turns whose metadata contain this JSON object")


class RecallOut(BaseModel):
    """Memories, best first."""

    memories: list[MemoryOut]


class Health(BaseModel):
    """`status` is `ok` if both servers answer, a worker serves each stage, sweeps complete, and no breaker is open."""

    status: str
    redis: bool = Field(description="whether Redis answers and takes writes")
    postgres: bool
    sweep_seconds: float | None = Field(description="since the last sweep was completed; null: none within a day")
    stages_without_workers: list[str] = Field(description="stages that no worker serves")
    memory_share: float | None = Field(description="the used part of Redis's maxmemory; null without a limit")
    endpoints: dict[str, str] = Field(
        description="llm, embedder: closed, open (it fails for everybody, no calls are made) or probing"
    )


class ErrorOut(BaseModel):
    """An error as a problem document (RFC 9457). `code` is stable; `detail` is for humans and may change."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str = Field(description="the same as `detail`")
