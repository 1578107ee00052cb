"""The interface between the pipeline and the summarizers: an LLM, or rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from afterturn.summaries.summary import SummaryStatement

#: The largest number of statements of a digest. More: wider digests have longer prompts; fewer: more detail is lost.
STATEMENTS_LIMIT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestDraft:
    """The content of a digest, and what it cost."""

    #: The most important first.
    statements: tuple[SummaryStatement, ...]
    prompt_version: str
    model: str
    #: Number of statements that were left out because they named no source.
    dropped: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Summarizer(Protocol):
    """Makes a digest of consecutive episodes or digests."""

    #: Version of the prompt or of the rules; stored with each digest.
    prompt_version: str
    #: Name of the model, or of the rules.
    model: str

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return an upper bound of the tokens of the LLM call; 0 where no call is made."""
        ...

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return a digest of these statements, given oldest first. Raises ModelUnavailable or ModelRefused."""
        ...
