"""A session's episodes as a tree: runs of them under digests, runs of digests under wider ones.

Every episode is read for one digest of level 0, that digest for one of level 1, and so on: with runs of eight, an
episode costs 1/8 + 1/64 + … calls, however long the session is. The newest half-run of each level stays as it is, so
that a summary never loses all of its detail at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.summaries.summary import SummaryStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened in one batch."""

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
        """The episode in its own words, on one line."""
        return self._dated(self.summary or self.title)

    @property
    def heading(self) -> SummaryStatement:
        """The episode in a few words."""
        return self._dated(self.title or self.summary)

    def _dated(self, text: str) -> SummaryStatement:
        line = " ".join(f"{self.started_at:%Y-%m-%d}: {text}".split())
        return SummaryStatement(text=line, episode_ids=(self.episode_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A stretch of the session in few statements."""

    #: 0: made from episodes; n: made from digests of level n - 1.
    level: int
    first_user_seq: int
    last_user_seq: int
    #: The weightiest first; None while they must be made, for the first time or again.
    statements: tuple[SummaryStatement, ...] | None


Part = Episode | Digest


def due(episodes: Sequence[Episode], digests: Sequence[Digest], *, width: int) -> Digest | None:
    """Return the next digest to make, of the oldest run that is complete; None where no run is.

    Args:
        episodes: those that no digest covers, oldest first.
        digests: those that no wider one covers, oldest first.
        width: how many make a run.
    """
    enough = width + width // 2
    if len(episodes) >= enough:
        return _over(0, episodes[0].user_seq, episodes[width - 1].user_seq)
    for level in sorted({digest.level for digest in digests}):
        alike = [digest for digest in digests if digest.level == level]
        if len(alike) >= enough:
            return _over(level + 1, alike[0].first_user_seq, alike[width - 1].last_user_seq)
    return None


def _over(level: int, first_user_seq: int, last_user_seq: int) -> Digest:
    return Digest(level=level, first_user_seq=first_user_seq, last_user_seq=last_user_seq, statements=None)
