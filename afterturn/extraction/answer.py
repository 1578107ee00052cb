"""What an extraction call answers: candidates for facts, and one episode.

The same form for every extractor (an LLM or the offline rules), so that what follows does not know which it was.
The JSON schema of `Answer` is what the LLM is asked to fill in.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from afterturn.errors import AnswerMalformed
from afterturn.turns import storable

_PARTIAL_DATE = re.compile(r"(\d{4})(?:-(\d{2}))?")


def _moment(value: Any) -> datetime | None:
    """Models give dates in many shapes: one that cannot be read costs the date, not the whole answer."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        if partial := _PARTIAL_DATE.fullmatch(text):
            return datetime(int(partial[1]), int(partial[2] or 1), 1, tzinfo=UTC)
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _share(value: Any) -> float:
    """Clamp to 0..1; 0.5 where it is no number."""
    try:
        return min(1.0, max(0.0, float(value)))
    except (TypeError, ValueError):
        return 0.5


#: Without NUL and lone surrogates, which Postgres cannot store.
Text = Annotated[str, AfterValidator(storable)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Share = Annotated[float, BeforeValidator(_share)]


class _Part(BaseModel):
    # Unknown keys are ignored: a model that says more than it was asked for has still answered.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Quote(_Part):
    """Why a candidate is believed: where it was said, word for word."""

    turn: int = Field(description="Number of the turn, as shown in brackets.")
    quote: Text = Field(description="The words of that turn that say it, copied exactly.")


class Candidate(_Part):
    """One statement that may become a fact."""

    text: Text = Field(description="One sentence that stands alone: names instead of pronouns, absolute dates.")
    category: Text = Field(
        "other", description="identity, preference, place, work, family, plan, event, health, other…"
    )
    topics: tuple[Text, ...] = Field((), description="Up to three words that one would look for.")
    subject: Text | None = Field(None, description="Whom or what it is about, by name.")
    attribute: Text | None = Field(None, description="Which property of the subject, in snake_case, such as lives_in.")
    value: Text | None = Field(None, description="The property's value.")
    importance: Share = Field(0.5, description="0 trivial to 1 essential.")
    valid_from: Moment = Field(None, description="Since when it holds, ISO 8601, where it is said.")
    valid_to: Moment = Field(None, description="Until when it held, ISO 8601, where it is said.")
    evidence: tuple[Quote, ...] = Field(description="At least one quote.")


class EpisodeDraft(_Part):
    """What happened in the batch."""

    title: Text = Field(description="At most ten words.")
    summary: Text = Field(description="One to three sentences in the third person.")
    outcome: Literal["resolved", "open", "abandoned", "none"] = Field("none", description="How it ended.")


class Answer(_Part):
    """The whole answer to one extraction call."""

    facts: tuple[Candidate, ...] = ()
    episode: EpisodeDraft | None = None


def parse(text: str) -> Answer:
    """Return the answer that `text` (JSON, perhaps inside a Markdown fence) holds. Raises AnswerMalformed."""
    body = text.strip()
    if body.startswith("```"):
        body = body.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return Answer.model_validate_json(body)
    except ValidationError as error:
        kinds = sorted({problem["type"] for problem in error.errors(include_input=False, include_url=False)})
        raise AnswerMalformed(f"the answer does not fit the schema: {', '.join(kinds)}") from None
