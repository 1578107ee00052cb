"""The candidate: one statement that may become a fact. A model, a rule or a person provides it.

A model writes candidates in a shorter form (`extraction/answer_form.py`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from afterturn import lives
from afterturn.relation import Relation
from afterturn.turns import make_storable

#: A week: 2023-W19.
_WEEK = re.compile(r"(\d{4})-?W(\d{2})")
#: A year, a month or a day: 2023, 2023-05 or 2023-05-07.
_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


def _default_timezone(info: ValidationInfo) -> tzinfo:
    """Return the timezone of times that name none: the one passed to `parse`, or UTC."""
    zone = (info.context or {}).get("zone", UTC)
    assert isinstance(zone, tzinfo)
    return zone


def _parse_start(value: Any, info: ValidationInfo) -> datetime | None:
    """Parse a start time. Models write dates in many forms: an unreadable one becomes None, the answer stays valid."""
    return _parse_time(value, _default_timezone(info), is_end=False)


def _parse_end(value: Any, info: ValidationInfo) -> datetime | None:
    """Parse an end time: "2023-05" is the end of that month."""
    return _parse_time(value, _default_timezone(info), is_end=True)


def _parse_time(value: Any, zone: tzinfo, *, is_end: bool) -> datetime | None:
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value) if 0 < value < 10_000 else None
        if isinstance(value, str):
            value = _parse_date_text(value.strip(), is_end=is_end)
        if not isinstance(value, datetime):
            return None
        return value if value.tzinfo else value.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        return None


def _parse_date_text(text: str, *, is_end: bool) -> datetime:
    if week := _WEEK.fullmatch(text):
        monday = datetime.fromisocalendar(int(week[1]), int(week[2]), 1)
        return monday + timedelta(days=7) if is_end else monday
    partial = _PARTIAL_DATE.fullmatch(text)
    if partial is None:
        return datetime.fromisoformat(text)
    year, month, day = int(partial[1]), int(partial[2] or 1), int(partial[3] or 1)
    start = datetime(year, month, day)
    if not is_end:
        return start
    if partial[3]:
        return start + timedelta(days=1)
    months = year * 12 + (month if partial[2] else 12)
    return datetime.combine(date(months // 12, months % 12 + 1, 1), datetime.min.time())


def _parse_flag(value: Any) -> bool:
    """Return True only for true and "true": a correction ends an earlier fact, so that doubtful values count as no."""
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _as_list(value: Any) -> Any:
    """Accept null as an empty list, and one string as a list of one."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _clamp_to_unit(value: Any) -> float:
    """Clamp a number to 0..1; return 0.5 for anything that is not a number."""
    try:
        return min(1.0, max(0.0, float(value)))
    except (TypeError, ValueError, OverflowError):
        return 0.5


#: Without NUL and lone surrogates, which Postgres cannot store.
Text = Annotated[str, AfterValidator(make_storable)]
StartTime = Annotated[datetime | None, BeforeValidator(_parse_start)]
EndTime = Annotated[datetime | None, BeforeValidator(_parse_end)]
UnitFraction = Annotated[float, BeforeValidator(_clamp_to_unit)]
Flag = Annotated[bool, BeforeValidator(_parse_flag)]
TextList = Annotated[tuple[Text, ...], BeforeValidator(_as_list)]
AnsweredLife = Annotated[lives.LifeName | None, BeforeValidator(lives.parse)]


#: Limits of a statement's texts, whoever makes it. A longer text is a document and not a statement; an index row takes
#: 2,704 bytes at the most, and a text search vector a megabyte.
TEXT_LIMIT_CHARACTERS = 2_000
#: The limit of a statement that a model makes. Some keep an agreed plan or a draft as one: of RealMem's 2,457 labelled
#: memories, nine have 2,100 to 5,600 characters.
EXTRACTED_TEXT_LIMIT_CHARACTERS = 8_000
SHORT_TEXT_LIMIT_CHARACTERS = 200
TOPICS_LIMIT = 20

#: Means that the answer names no turn: the quote is searched in all turns. No model answers with this number.
UNKNOWN_TURN = -1_000_000


class AnswerPart(BaseModel):
    # Unknown keys are ignored: an answer with additional keys is still usable.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Quote(AnswerPart):
    """Why a candidate is believed: where it was said, word for word."""

    turn: int = Field(description="Number of the turn, as shown in brackets.")
    quote: Text = Field(description="The words of that turn that say it, copied exactly.")


class KnownRelation(AnswerPart):
    """How a candidate is related to a statement that the prompt showed as known."""

    #: The label in the prompt, such as K3; where an answer was stored with the shown facts, the id of the fact.
    known: Text
    relation: Relation


class Candidate(AnswerPart):
    """One statement that may become a fact."""

    text: Text = Field(description="One sentence that stands alone: names instead of pronouns, absolute dates.")
    category: Text = Field("other", description="One of the categories named in the instructions.")
    topics: TextList = Field((), description="Up to three words that one would look for.")
    subject: Text | None = Field(None, description="Whom or what it is about, by name.")
    attribute: Text | None = Field(None, description="Which property of the subject, in snake_case, such as lives_in.")
    value: Text | None = Field(None, description="The property's value.")
    importance: UnitFraction = Field(0.5, description="0 trivial to 1 essential.")
    valid_from: StartTime = Field(None, description="Since when it holds, ISO 8601, where it is said.")
    valid_to: EndTime = Field(None, description="Until when it held, ISO 8601, where it is said.")
    life: AnsweredLife = Field(None, description="One of the lives named in the instructions.")
    corrects: Flag = Field(False, description="The speaker takes an earlier statement back as a mistake.")
    known: tuple[KnownRelation, ...] = Field(default=(), description="Its relations to known statements.")
    evidence: tuple[Quote, ...] = Field(description="At least one quote.")


class EpisodeDraft(AnswerPart):
    """What happened in the batch."""

    title: Text = Field(description="At most ten words.")
    summary: Text = Field(description="One to three sentences in the third person.")
    outcome: Literal["resolved", "open", "abandoned", "none"] = Field("none", description="How it ended.")
    participants: TextList = Field((), description="Who took part, by name.")
