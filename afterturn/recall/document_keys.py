"""The names of what recall ranks. Without numbers: who only reads turns need not load numpy."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TurnKey:
    """Names a turn: an archived one by its position, a pending one by its place behind them."""

    session_id: str
    position: int

    @property
    def item(self) -> str:
        """The name of its vector."""
        return f"{self.session_id}/{self.position}"


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """Names an episode."""

    batch_id: UUID


#: A fact is named by its id.
Key = TurnKey | EpisodeKey | UUID
