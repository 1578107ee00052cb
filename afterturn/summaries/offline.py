"""A summary without a model: the newest episodes line by line, older ones by title, the oldest not at all."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.summaries.summarizer import Episode, SummaryDraft

LIMIT_CHARACTERS = 2_000


class OfflineSummarizer:
    """Keeps a dated line per episode within a fixed length."""

    prompt_version = "lines-1"
    model = "offline"

    def summarize(self, previous: str | None, episodes: Sequence[Episode]) -> SummaryDraft:
        """Append the episodes to the summary; where it grows too long, the oldest lines go. Makes no call."""
        lines = previous.splitlines() if previous else []
        lines += [_line(episode) for episode in episodes]
        while len(lines) > 1 and sum(len(line) + 1 for line in lines) > LIMIT_CHARACTERS:
            del lines[0]
        text = "\n".join(lines)[:LIMIT_CHARACTERS]
        return SummaryDraft(text=text, prompt_version=self.prompt_version, model=self.model)


def _line(episode: Episode) -> str:
    return " ".join(f"{episode.started_at:%Y-%m-%d}: {episode.summary}".split())
