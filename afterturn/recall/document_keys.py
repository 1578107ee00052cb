"""The keys of documents. Apart from the documents themselves, so that reading a key needs no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class TurnKey:
    """Identifies a turn. A pending turn has a position after those of all archived turns."""

    session_id: str
    position: int

    @property
    def item(self) -> str:
        """Return the name of the turn's vector."""
        return f"{self.session_id}/{self.position}"


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """Identifies an episode."""

    batch_id: UUID


#: A UUID is the id of a fact.
Key = TurnKey | EpisodeKey | UUID
