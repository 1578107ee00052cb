"""What the HTTP API takes and gives of facts, as JSON."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api_shim.http.schemas import EvidenceOut


class FactOut(BaseModel):
    """One fact, and all that is known of it."""

    model_config = ConfigDict(from_attributes=True)

    fact_id: str
    text: str
    category: str
    topics: list[str]
    subject: str | None
    attribute: str | None
    value: str | None
    importance: float
    times_seen: int
    status: str
    is_pinned: bool
    origin: str
    said_by: str
    valid_from: datetime | None
    valid_to: datetime | None
    said_at: datetime
    recorded_at: datetime
    superseded_at: datetime | None
    superseded_by: str | None
    ended_because: str | None
    evidence: list[EvidenceOut]


class FactsOut(BaseModel):
    """Those said last first; of a history, the oldest first."""

    facts: list[FactOut]


class FactIn(BaseModel):
    """One fact to add. The rules are those of `MemoryClient.add_fact`."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="one sentence that stands alone")
    category: str | None = Field(None, description="such as place or preference")
    topics: list[str] = Field(default_factory=list, description="words that one would look for")
    subject: str | None = Field(None, description="whom or what it is about, by name")
    attribute: str | None = Field(None, description="which property of the subject, such as lives_in")
    value: str | None = Field(None, description="the property's value")
    importance: float | None = Field(None, description="0 trivial to 1 essential")
    valid_from: datetime | None = Field(None, description="since when it holds, with a timezone")
    valid_to: datetime | None = Field(None, description="until when it held, with a timezone")
    pinned: bool = Field(False, description="whether it is kept whatever a clean-up thinks of it")


class AddFactsIn(BaseModel):
    """One fact or many, added in one round trip, all or none."""

    model_config = ConfigDict(extra="forbid")

    facts: list[FactIn] = Field(min_length=1, max_length=1_000)
    edit_id: str | None = Field(None, description="the caller's id; a repeated call with the same id is the same edit")


class ChangeFactIn(BaseModel):
    """A correction, where there is a text; else only pinned or not. What is not given stays as it was."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, description="what takes the fact's place")
    category: str | None = None
    topics: list[str] = Field(default_factory=list)
    subject: str | None = None
    attribute: str | None = None
    value: str | None = None
    importance: float | None = None
    valid_from: datetime | None = Field(None, description="since when the new one holds; until then the old one did")
    valid_to: datetime | None = None
    pinned: bool | None = None
    edit_id: str | None = Field(None, description="the caller's id; a repeated call with the same id is the same edit")

    @model_validator(mode="after")
    def _says_what_to_do(self) -> ChangeFactIn:
        if self.text is None and (self.pinned is None or self.model_fields_set - {"text", "pinned", "edit_id"}):
            raise ValueError("give either a text, or pinned alone")
        return self


class FactIdsOut(BaseModel):
    """The edit is acknowledged: Redis has it, and in about a second these facts are there."""

    fact_ids: list[str]
