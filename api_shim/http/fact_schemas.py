"""The JSON bodies of the fact routes."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, model_validator

from afterturn.lives import LifeName
from api_shim.http.schemas import Body, EvidenceOut


class FactOut(BaseModel):
    """One fact with its state and its evidence."""

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
    life: LifeName | None = Field(description="what kind of statement it is; null: not determined yet")
    fades_at: datetime | None = Field(
        description="when it leaves recall and this list, compared with the time of the user's newest turn; null: never"
    )
    is_outcome_unknown: bool = Field(description="a plan whose day has passed, and of which no outcome is known")
    evidence: list[EvidenceOut]


class FactsOut(BaseModel):
    """Facts, the most recently said first."""

    facts: list[FactOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


class FactVersionsOut(BaseModel):
    """All versions of a fact, oldest first."""

    facts: list[FactOut]


class ContradictionOut(BaseModel):
    """Two current facts that cannot both be true, the one said earlier first."""

    model_config = ConfigDict(from_attributes=True)

    facts: list[FactOut]
    found_at: datetime


class ContradictionsOut(BaseModel):
    """Pairs of facts, those found last first."""

    contradictions: list[ContradictionOut]


class FactIn(Body):
    """One fact to add. The rules of `MemoryClient.add_fact` apply."""

    text: str = Field(description="one sentence that can be understood without context")
    category: str | None = Field(None, description="the category, such as place or preference")
    topics: list[str] = Field(default_factory=list, description="words to find the fact by")
    subject: str | None = Field(None, description="the name of the person or thing that the fact is about")
    attribute: str | None = Field(None, description="the attribute of the subject, such as lives_in")
    value: str | None = Field(None, description="the value of the attribute")
    importance: float | None = Field(None, description="0 (trivial) to 1 (essential)")
    valid_from: datetime | None = Field(None, description="the time from which the fact is true, with a timezone")
    valid_to: datetime | None = Field(
        None, description="the time at which the fact stopped being true, with a timezone"
    )
    life: LifeName | None = Field(None, description="what kind of statement it is; null: by the other fields")
    pinned: bool = Field(False, description="protect the fact from every clean-up")


class AddFactsIn(Body):
    """Facts to add, all or none, in one round trip to Redis."""

    facts: list[FactIn] = Field(min_length=1, max_length=1_000)
    edit_id: str | None = Field(None, description="an id that the caller chooses; repeating it has no further effect")


class ChangeFactIn(Body):
    """With `text`: a correction of the fact. Without it: only `pinned`. Fields that are not given keep their values."""

    text: str | None = Field(None, description="the corrected sentence")
    category: str | None = None
    topics: list[str] = Field(default_factory=list)
    subject: str | None = None
    attribute: str | None = None
    value: str | None = None
    importance: float | None = None
    valid_from: datetime | None = Field(
        None, description="the time from which the new fact is true; the old fact was true until then"
    )
    valid_to: datetime | None = None
    life: LifeName | None = None
    pinned: bool | None = None
    edit_id: str | None = Field(None, description="an id that the caller chooses; repeating it has no further effect")

    @model_validator(mode="after")
    def _has_text_or_only_pinned(self) -> ChangeFactIn:
        if self.text is None and (self.pinned is None or self.model_fields_set - {"text", "pinned", "edit_id"}):
            raise ValueError("give either text, or only pinned")
        return self


class FactIdsOut(BaseModel):
    """The ids of the facts. Redis has stored the edit; it takes effect in about a second."""

    fact_ids: list[str]
