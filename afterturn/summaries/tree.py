"""The tree of a session's digests: a digest covers consecutive episodes, a wider one covers consecutive digests.

Every episode is a source of one digest of level 0, that digest of one digest of level 1, and so on. With a width of
eight an episode costs 1/8 + 1/64 + … LLM calls, however long the session is. The newest half width of each level is not
condensed yet, so that a summary does not lose all of its detail at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.summaries.summary import SummaryStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryEpisode:
    """The events of one batch."""

    episode_id: str
    #: The number of its batch in the user's order.
    user_seq: int
    title: str
    summary: str
    started_at: datetime

    @property
    def first_user_seq(self) -> int:
        return self.user_seq

    @property
    def statement(self) -> SummaryStatement:
        """The date and the episode's summary, on one line."""
        return self._with_date(self.summary or self.title)

    @property
    def heading(self) -> SummaryStatement:
        """The date and the episode's title, on one line."""
        return self._with_date(self.title or self.summary)

    def _with_date(self, text: str) -> SummaryStatement:
        line = " ".join(f"{self.started_at:%Y-%m-%d}: {text}".split())
        return SummaryStatement(text=line, episode_ids=(self.episode_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Consecutive episodes of a session, condensed into few statements."""

    #: 0: made from episodes; n: made from digests of level n - 1.
    level: int
    first_user_seq: int
    last_user_seq: int
    #: The most important first; None while the digest is not made yet, or must be made again.
    statements: tuple[SummaryStatement, ...] | None


SummaryPart = SummaryEpisode | Digest


def next_digest(episodes: Sequence[SummaryEpisode], digests: Sequence[Digest], *, width: int) -> Digest | None:
    """Return the next digest to make, without statements; None while there are not enough sources.

    Args:
        episodes: the episodes that no digest covers, oldest first.
        digests: the digests that no wider one covers, oldest first.
        width: number of episodes, or of digests of one level, that become one digest.
    """
    required_count = width + width // 2
    if len(episodes) >= required_count:
        return _without_statements(0, episodes[0].user_seq, episodes[width - 1].user_seq)
    for level in sorted({digest.level for digest in digests}):
        same_level = [digest for digest in digests if digest.level == level]
        if len(same_level) >= required_count:
            return _without_statements(level + 1, same_level[0].first_user_seq, same_level[width - 1].last_user_seq)
    return None


def _without_statements(level: int, first_user_seq: int, last_user_seq: int) -> Digest:
    return Digest(level=level, first_user_seq=first_user_seq, last_user_seq=last_user_seq, statements=None)
