"""The seam between the pipeline and what summarizes: an LLM, or rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened in one batch."""

    title: str
    summary: str
    outcome: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryDraft:
    """A new summary of a session."""

    text: str
    prompt_version: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0


class Summarizer(Protocol):
    """Folds new episodes into a session's summary."""

    #: Version of the prompt or of the rules; stored with each summary.
    prompt_version: str
    #: Name of the model, or of the rules.
    model: str

    def summarize(self, previous: str | None, episodes: Sequence[Episode]) -> SummaryDraft:
        """Return the summary after these episodes, oldest first. Raises ModelUnavailable or ModelRefused."""
        ...
