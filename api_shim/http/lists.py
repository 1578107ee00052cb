"""The routes that list a user's sessions and episodes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from api_shim.http.pages import Cursor, Limit, next_cursor
from api_shim.http.principal import UserReader
from api_shim.http.routes import make_router

router = make_router("/v1/users/{user_id:id}")


class SessionOut(BaseModel):
    """One conversation of a user."""

    model_config = ConfigDict(from_attributes=True)

    session_id: str
    turns: int = Field(description="the number of archived turns, without removed ones")
    is_pending: bool = Field(description="whether turns or removals wait to be archived")
    created_at: datetime | None = Field(description="when its first turn was archived")
    last_active_at: datetime | None = Field(description="when its last turn was archived")
    last_said_at: datetime | None = Field(description="the latest time at which a turn was said")


class SessionsOut(BaseModel):
    """Sessions: those that are not archived yet first, then the last active first."""

    sessions: list[SessionOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


class EpisodeOut(BaseModel):
    """What happened in one part of a conversation."""

    model_config = ConfigDict(from_attributes=True)

    episode_id: str
    session_id: str
    title: str
    summary: str
    outcome: str
    participants: list[str]
    started_at: datetime
    ended_at: datetime
    recorded_at: datetime
    turn_ids: list[str] = Field(description="the turns that it summarizes, without removed ones")
    score: float | None = Field(description="how well it answers the query; null without a query")


class EpisodesOut(BaseModel):
    """Episodes: the latest first; with a query, the best first."""

    episodes: list[EpisodeOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


@router.get("/sessions", operation_id="list_sessions", summary="List the sessions of a user")
async def sessions(memory: UserReader, limit: Limit = 100, cursor: Cursor = None) -> SessionsOut:
    """Return the user's sessions, those that were active last first."""
    found = await memory.sessions(limit=limit, cursor=cursor)
    return SessionsOut(
        sessions=[SessionOut.model_validate(session) for session in found], next_cursor=next_cursor(found, limit)
    )


@router.get("/episodes", operation_id="list_episodes", summary="List episodes, by time or similar to a query")
async def episodes(
    memory: UserReader,
    query: Annotated[
        str | None, Query(description="a question or a topic: the episodes that are similar to it")
    ] = None,
    session_id: Annotated[str | None, Query(description="only episodes of this conversation")] = None,
    since: Annotated[datetime | None, Query(description="only episodes that ended at this time or later")] = None,
    until: Annotated[datetime | None, Query(description="only episodes that began before this time")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> EpisodesOut:
    """Return what happened, part by part of the conversations."""
    found = await memory.episodes(query, session_id=session_id, since=since, until=until, limit=limit, cursor=cursor)
    return EpisodesOut(
        episodes=[EpisodeOut.model_validate(episode) for episode in found], next_cursor=next_cursor(found, limit)
    )
