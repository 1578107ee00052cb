"""The routes of a session's summary and of a user's profile, threads and preferences."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from api_shim.http.fact_schemas import FactIdsOut
from api_shim.http.idempotency import RequestId, choose_edit_id
from api_shim.http.pages import Limit
from api_shim.http.principal import SessionReader, UserReader, UserWriter
from api_shim.http.routes import make_router
from api_shim.http.schemas import Body

router = make_router("/v1/users/{user_id:id}")


class StatementOut(BaseModel):
    """One statement of a summary."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    episode_ids: list[str] = Field(description="the episodes that the statement is based on")


class SummaryOut(BaseModel):
    """A summary; its statements are sorted oldest first. `text` is null if there is no summary yet."""

    text: str | None
    statements: list[StatementOut]


class ProfileOut(BaseModel):
    """A profile, one fact per line. `text` is null if there is no profile yet."""

    text: str | None


class ThreadStepOut(BaseModel):
    """One step of a development, or the present state."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    day: date | None = Field(description="the day on which its last fact began to hold, or was said")
    fact_ids: list[str] = Field(description="the facts that it rests on")


class ThreadOut(BaseModel):
    """How one matter developed, and how it stands."""

    model_config = ConfigDict(from_attributes=True)

    thread_id: str
    title: str
    text: str = Field(description="the thread on one line: title, dated steps, present state")
    steps: list[ThreadStepOut] = Field(description="oldest first")
    state: ThreadStepOut | None = Field(description="how it stands now; null: not known")
    started_at: datetime = Field(description="since when its oldest fact holds")
    last_said_at: datetime = Field(description="when the last of its facts was said")
    made_at: datetime = Field(description="when it was written")
    is_by_rules: bool = Field(description="whether rules wrote it, without a model")


class ThreadsOut(BaseModel):
    """Threads, the one that was last said something about first."""

    threads: list[ThreadOut]


class PreferencesOut(BaseModel):
    """The current value of each preference."""

    preferences: dict[str, str]


class PreferenceIn(Body):
    """The new value of a preference."""

    value: str = Field(description="the new value, such as green")
    edit_id: str | None = Field(None, description="an id that the caller chooses; repeating it has no further effect")


@router.get(
    "/sessions/{session_id:id}/summary", operation_id="get_session_summary", summary="Get the summary of a session"
)
async def summary(memory: SessionReader) -> SummaryOut:
    """Return the session's summary with the source episodes of each statement."""
    stored = await memory.session_summary()
    if stored is None:
        return SummaryOut(text=None, statements=[])
    return SummaryOut(
        text=stored.text, statements=[StatementOut.model_validate(statement) for statement in stored.statements]
    )


@router.get("/profile", operation_id="get_profile", summary="Get the profile of a user")
async def profile(memory: UserReader) -> ProfileOut:
    """Return the user's profile: the most useful facts."""
    return ProfileOut(text=await memory.profile())


@router.get("/threads", operation_id="list_threads", summary="List the developments of a user's matters")
async def threads(memory: UserReader, limit: Limit = 100) -> ThreadsOut:
    """Return how each matter that returns developed, each step with the facts that it rests on."""
    return ThreadsOut(threads=[ThreadOut.model_validate(thread) for thread in await memory.threads(limit=limit)])


@router.get("/preferences", operation_id="list_preferences", summary="List the preferences of a user")
async def preferences(memory: UserReader) -> PreferencesOut:
    """Return the current value of each preference."""
    return PreferencesOut(preferences=await memory.preferences())


@router.put("/preferences/{key:id}", operation_id="set_preference", status_code=202, summary="Set a preference")
async def set_preference(
    memory: UserWriter,
    key: Annotated[str, Path(description="the name of the preference, such as colour")],
    body: PreferenceIn,
    request_id: RequestId,
) -> FactIdsOut:
    """Set a preference that a person entered. Returns the id of its fact."""
    edit_id = choose_edit_id(body.edit_id, request_id)
    return FactIdsOut(fact_ids=[await memory.set_preference(key, body.value, edit_id=edit_id)])
