"""The form in which a model writes an answer: as short as the model can fill it in reliably.

The docstrings and field descriptions are part of the JSON schema that the model sees: a change of one is a change of
the prompt. `answer_reading.py` reads this form and the longer one of earlier prompts.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class FactForm(BaseModel):
    """One statement that is worth remembering."""

    text: str = Field(description="One sentence that stands alone.")
    life: Literal["lasting", "event", "plan", "state", "attitude"]
    category: str
    topics: list[str] = Field(description="Up to three search words.")
    about: str = Field(description="subject | attribute | value, or empty.")
    when: str = Field(description="ISO 8601 day, month, year or span, or empty.")
    weight: float = Field(description="0.1 to 0.9.")
    known: list[str] = Field(description="Such as: K3 replaces. Mostly empty.")
    quotes: list[str] = Field(description="Each: number of the turn, colon, its exact words.")


class EpisodeForm(BaseModel):
    """What happened in the turns."""

    title: str = Field(description="At most ten words.")
    summary: str = Field(description="One or two sentences.")
    outcome: Literal["resolved", "open", "abandoned", "none"]


class AnswerForm(BaseModel):
    """The answer to one request."""

    facts: list[FactForm]
    episode: EpisodeForm | None
