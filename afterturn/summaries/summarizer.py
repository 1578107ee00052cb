"""The seam between the pipeline and what makes digests: an LLM, or rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from afterturn.summaries.summary import SummaryStatement

#: A digest has this many statements at the most. More: wider digests have more to read; fewer: less of it is kept.
STATEMENTS_LIMIT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDraft:
    """What a digest says."""

    #: The weightiest first.
    statements: tuple[SummaryStatement, ...]
    prompt_version: str
    model: str
    #: Statements that named no source, and are not among them.
    dropped: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Summarizer(Protocol):
    """Makes a digest of a run of episodes or digests."""

    #: Version of the prompt or of the rules; stored with each digest.
    prompt_version: str
    #: Name of the model, or of the rules.
    model: str

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return the most tokens that the call may take; 0 where none is made."""
        ...

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return these statements, oldest first, in few. Raises ModelUnavailable or ModelRefused."""
        ...
