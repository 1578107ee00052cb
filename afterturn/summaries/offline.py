"""Make digests without an LLM: the beginnings of some sources, spread evenly over their time."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.summaries.summarizer import STATEMENTS_LIMIT, DigestDraft
from afterturn.summaries.summary import SummaryStatement

#: Words kept of a source. An English sentence has about this many; with fewer, many sentences lose their end.
_WORDS_LIMIT = 24


class OfflineSummarizer:
    """Keeps the beginning of every n-th source."""

    prompt_version = "lines-2"
    model = "offline"

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return 0: no call is made."""
        return 0

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return a few of the sources, each shortened. Makes no call."""
        count = min(STATEMENTS_LIMIT, len(sources))
        # The last source of each section: where something changed, it contains the result.
        kept = [sources[(section + 1) * len(sources) // count - 1] for section in range(count)]
        return DigestDraft(
            statements=tuple(_shorten(source) for source in kept),
            prompt_version=self.prompt_version,
            model=self.model,
        )


def _shorten(source: SummaryStatement) -> SummaryStatement:
    words = source.text.split()
    text = " ".join(words) if len(words) <= _WORDS_LIMIT else " ".join([*words[:_WORDS_LIMIT], "…"])
    return SummaryStatement(text=text, episode_ids=source.episode_ids)
