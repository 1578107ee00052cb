"""The routes of what is always of use: a session's summary, a user's profile and preferences."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api_shim.http.fact_schemas import FactIdsOut
from api_shim.http.principal import SessionReader, UserReader, UserWriter

router = APIRouter(prefix="/v1/users/{user_id}")


class StatementOut(BaseModel):
    """One line of a summary."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    episode_ids: list[str] = Field(description="the episodes that it rests on")


class SummaryOut(BaseModel):
    """Oldest first; without text while there is no summary."""

    text: str | None
    statements: list[StatementOut]


class ProfileOut(BaseModel):
    """One fact a line; without text while there is nothing to tell."""

    text: str | None


class PreferencesOut(BaseModel):
    """The current value of each key."""

    preferences: dict[str, str]


class PreferenceIn(BaseModel):
    """A preference's value from now on."""

    model_config = ConfigDict(extra="forbid")

    value: str = Field(description="such as green")
    edit_id: str | None = Field(None, description="the caller's id; a repeated call with the same id is the same edit")


@router.get("/sessions/{session_id}/summary", summary="The session in short")
async def summary(memory: SessionReader) -> SummaryOut:
    """Return the session's summary with the episodes behind each statement."""
    found = await memory.session_summary()
    if found is None:
        return SummaryOut(text=None, statements=[])
    return SummaryOut(
        text=found.text, statements=[StatementOut.model_validate(statement) for statement in found.statements]
    )


@router.get("/profile", summary="What is always of use to know of the user")
async def profile(memory: UserReader) -> ProfileOut:
    """Return the user's profile."""
    return ProfileOut(text=await memory.profile())


@router.get("/preferences", summary="The user's preferences by key")
async def preferences(memory: UserReader) -> PreferencesOut:
    """Return the current value of each preference."""
    return PreferencesOut(preferences=await memory.preferences())


@router.put("/preferences/{key}", status_code=202, summary="Set a preference by hand")
async def set_preference(
    memory: UserWriter, key: Annotated[str, Path(description="such as colour")], body: PreferenceIn
) -> FactIdsOut:
    """Let the preference have this value from now on. Returns the id that its fact will have."""
    return FactIdsOut(fact_ids=[await memory.set_preference(key, body.value, edit_id=body.edit_id)])
