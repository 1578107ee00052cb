"""A digest without a model: the beginnings of some of its sources, spread evenly over the time they cover."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.summaries.summarizer import STATEMENTS_LIMIT, DigestDraft
from afterturn.summaries.summary import SummaryStatement

#: An English sentence has about this many. Fewer: many sentences lose their end.
_WORDS = 24


class OfflineSummarizer:
    """Keeps a short line of every so many sources."""

    prompt_version = "lines-2"
    model = "offline"

    def expected_tokens(self, sources: Sequence[SummaryStatement]) -> int:
        """Return 0: no call is made."""
        return 0

    def summarize(self, sources: Sequence[SummaryStatement]) -> DigestDraft:
        """Return a few of the sources, each shortened. Makes no call."""
        count = min(STATEMENTS_LIMIT, len(sources))
        # The last of each stretch: where something changed, it says what came of it.
        kept = [sources[(place + 1) * len(sources) // count - 1] for place in range(count)]
        return DigestDraft(
            statements=tuple(_shortened(source) for source in kept),
            prompt_version=self.prompt_version,
            model=self.model,
        )


def _shortened(source: SummaryStatement) -> SummaryStatement:
    words = source.text.split()
    text = " ".join(words) if len(words) <= _WORDS else " ".join([*words[:_WORDS], "…"])
    return SummaryStatement(text=text, episode_ids=source.episode_ids)
