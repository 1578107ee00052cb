"""What an extraction call answers: candidates for facts, and one episode.

The same form for every extractor (an LLM or the offline rules), so that what follows does not know which it was.
The JSON schema of `Answer` is what the LLM is asked to fill in.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afterturn.errors import AnswerMalformed


class _Part(BaseModel):
    # Unknown keys are ignored: a model that says more than it was asked for has still answered.
    model_config = ConfigDict(extra="ignore", frozen=True)


class Quote(_Part):
    """Why a candidate is believed: where it was said, word for word."""

    turn: int = Field(description="Number of the turn, as shown in brackets.")
    quote: str = Field(description="The words of that turn that say it, copied exactly.")


class Candidate(_Part):
    """One statement that may become a fact."""

    text: str = Field(description="One sentence that stands alone: names instead of pronouns, absolute dates.")
    category: str = Field("other", description="identity, preference, place, work, family, plan, event, health, other…")
    topics: tuple[str, ...] = Field((), description="Up to three words that one would look for.")
    subject: str | None = Field(None, description="Whom or what it is about, by name.")
    attribute: str | None = Field(None, description="Which property of the subject, in snake_case, such as lives_in.")
    value: str | None = Field(None, description="The property's value.")
    importance: float = Field(0.5, ge=0, le=1, description="0 trivial to 1 essential.")
    valid_from: datetime | None = Field(None, description="Since when it holds, ISO 8601, where it is said.")
    valid_to: datetime | None = Field(None, description="Until when it held, ISO 8601, where it is said.")
    evidence: tuple[Quote, ...] = Field(description="At least one quote.")


class EpisodeDraft(_Part):
    """What happened in the batch."""

    title: str = Field(description="At most ten words.")
    summary: str = Field(description="One to three sentences in the third person.")
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
