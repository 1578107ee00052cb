"""The bodies of the agent routes. Their names and forms are those of Agno's AgentOS."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from afterturn.turns import make_storable
from api_shim.http.schemas import Body


def _none_if_empty(value: Any) -> Any:
    """Return None for an empty text: a form sends a field that is not filled in as one."""
    return None if value == "" else value


def _make_storable(value: Any) -> Any:
    """Replace lone surrogates, which cut emoji leave behind, as the memory does in turns."""
    return make_storable(value) if isinstance(value, str) else value


#: What people and programs write.
_Text = Annotated[str, BeforeValidator(_make_storable)]
_OptionalText = Annotated[str | None, BeforeValidator(_none_if_empty), BeforeValidator(_make_storable)]
_OptionalId = Annotated[str | None, BeforeValidator(_none_if_empty)]


class RunIn(Body):
    """One message of a user to an agent."""

    message: _Text = Field(min_length=1, description="what the user says")
    user_id: _OptionalId = Field(
        None, description="the user; by default the only user of the credential, else AFTERTURN_CHAT_USER"
    )
    session_id: _OptionalId = Field(None, description="the conversation; by default a new one")
    stream: Annotated[bool | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="whether the answer comes piece by piece, as server-sent events; by default false"
    )
    name: _OptionalText = Field(None, description="the user's name, for the facts about the user")
    instructions: _OptionalText = Field(None, description="what the model is told first")


class RunMetricsOut(BaseModel):
    """The cost of an answer, in tokens."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    cache_read_tokens: int = Field(description="the part of input_tokens that the provider had cached")


class RunOut(BaseModel):
    """The answer of an agent."""

    run_id: str
    agent_id: str
    agent_name: str
    user_id: str
    session_id: str
    content: str = Field(description="the answer")
    content_type: Literal["str"] = "str"
    model: str
    status: Literal["COMPLETED"] = "COMPLETED"
    created_at: int = Field(description="when the run began, in seconds since 1970")
    metrics: RunMetricsOut | None = Field(description="null: the answer is that of an earlier, equal request")
    memory: Literal["on", "unavailable"] = Field(
        description="unavailable: the memory did not answer in time, and the agent answered without it"
    )
    memory_ids: list[str] = Field(description="the memories that the model was shown")


class MemoryIn(Body):
    """One memory to add: a fact about the user."""

    memory: str = Field(description="one sentence that can be understood without context")
    topics: list[str] | None = Field(None, description="words to find the memory by")


class AddMemoryIn(MemoryIn):
    """One memory to add, and the user whose memory it is."""

    user_id: _OptionalId = Field(None, description="the user; by default as in a run")


class AddMemoriesIn(Body):
    """Memories to add, all or none, in one round trip to Redis."""

    memories: list[MemoryIn] = Field(min_length=1, max_length=1_000)
    user_id: _OptionalId = Field(None, description="the user; by default as in a run")


class UserMemoryOut(BaseModel):
    """One memory of a user: a current fact. All agents share it."""

    memory_id: str = Field(description="the id of the fact")
    memory: str
    topics: list[str]
    user_id: str
    updated_at: datetime | None = Field(description="when it was stored; null: it will be, in about a second")


class UserMemoriesOut(BaseModel):
    """Memories of a user, the most recently said first."""

    data: list[UserMemoryOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


class AddedMemoriesOut(BaseModel):
    """The memories as they will be. Redis has stored the edit; it takes effect in about a second."""

    data: list[UserMemoryOut]


class PageOut(BaseModel):
    """Which page of a list it is."""

    page: int
    limit: int
    total_pages: int
    total_count: int


class UserMemoryPageOut(BaseModel):
    """One page of the memories of a user."""

    data: list[UserMemoryOut]
    meta: PageOut
