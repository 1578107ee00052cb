"""A candidate: one statement that may become a fact, as a model, a rule or a person gives it.

The field descriptions are part of the JSON schema that an LLM is asked to fill in.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from afterturn.turns import storable

_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def _zone(info: ValidationInfo) -> tzinfo:
    """The timezone in which a moment without one is read: the one given to `parse`, else UTC."""
    zone = (info.context or {}).get("zone", UTC)
    assert isinstance(zone, tzinfo)
    return zone


def _since(value: Any, info: ValidationInfo) -> datetime | None:
    """Models give dates in many shapes: one that cannot be read costs the date, not the whole answer."""
    return _moment(value, _zone(info), at_end=False)


def _until(value: Any, info: ValidationInfo) -> datetime | None:
    """The same; "until 2023-05" ends with that month, not before it."""
    return _moment(value, _zone(info), at_end=True)


def _moment(value: Any, zone: tzinfo, *, at_end: bool) -> datetime | None:
    try:
        if isinstance(value, str):
            value = _read(value.strip(), at_end=at_end)
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo else value.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _read(text: str, *, at_end: bool) -> datetime:
    named = _DAY.fullmatch(text)
    if named is None:
        return datetime.fromisoformat(text)
    year, month, day = int(named[1]), int(named[2] or 1), int(named[3] or 1)
    first = datetime(year, month, day)
    if not at_end:
        return first
    if named[3]:
        return first + timedelta(days=1)
    months = year * 12 + (month if named[2] else 12)
    return datetime.combine(date(months // 12, months % 12 + 1, 1), datetime.min.time())


def _yes(value: Any) -> bool:
    """Only a plain yes is one: a correction ends what was believed before."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _names(value: Any) -> Any:
    """A list that is null, or one string, is a list all the same."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _share(value: Any) -> float:
    """Clamp to 0..1; 0.5 where it is no number."""
    try:
        return min(1.0, max(0.0, float(value)))
    except (TypeError, ValueError):
        return 0.5


#: Without NUL and lone surrogates, which Postgres cannot store.
Text = Annotated[str, AfterValidator(storable)]
Since = Annotated[datetime | None, BeforeValidator(_since)]
Until = Annotated[datetime | None, BeforeValidator(_until)]
Share = Annotated[float, BeforeValidator(_share)]
Yes = Annotated[bool, BeforeValidator(_yes)]
Names = Annotated[tuple[Text, ...], BeforeValidator(_names)]


class AnswerPart(BaseModel):
    # Unknown keys are ignored: a model that says more than it was asked for has still answered.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Quote(AnswerPart):
    """Why a candidate is believed: where it was said, word for word."""

    turn: int = Field(description="Number of the turn, as shown in brackets.")
    quote: Text = Field(description="The words of that turn that say it, copied exactly.")


class Candidate(AnswerPart):
    """One statement that may become a fact."""

    text: Text = Field(description="One sentence that stands alone: names instead of pronouns, absolute dates.")
    category: Text = Field("other", description="One of the categories named in the instructions.")
    topics: Names = Field((), description="Up to three words that one would look for.")
    subject: Text | None = Field(None, description="Whom or what it is about, by name.")
    attribute: Text | None = Field(None, description="Which property of the subject, in snake_case, such as lives_in.")
    value: Text | None = Field(None, description="The property's value.")
    importance: Share = Field(0.5, description="0 trivial to 1 essential.")
    valid_from: Since = Field(None, description="Since when it holds, ISO 8601, where it is said.")
    valid_to: Until = Field(None, description="Until when it held, ISO 8601, where it is said.")
    corrects: Yes = Field(False, description="The speaker takes an earlier statement back as a mistake.")
    evidence: tuple[Quote, ...] = Field(description="At least one quote.")


class EpisodeDraft(AnswerPart):
    """What happened in the batch."""

    title: Text = Field(description="At most ten words.")
    summary: Text = Field(description="One to three sentences in the third person.")
    outcome: Literal["resolved", "open", "abandoned", "none"] = Field("none", description="How it ended.")
    participants: Names = Field((), description="Who took part, by name.")
