"""An embedder that returns given vectors, so that recall is measured without embedding."""

from __future__ import annotations

from afterturn.recall.question_embedder import QuestionEmbedder
from afterturn.scopes import UserScope
from afterturn.settings import Settings


class KnownVectors(QuestionEmbedder):
    """Returns the vector of a question from `known`."""

    def __init__(self, settings: Settings, space_id: int) -> None:
        super().__init__(settings)
        self._known_space = space_id
        self.known: dict[str, list[float]] = {}

    @property
    def needs_space(self) -> bool:
        return False

    @property
    def space_id(self) -> int:
        return self._known_space

    def embed(self, scope: UserScope, question: str) -> list[float]:
        return self.known[question]
