"""The seam between the pipeline and what turns text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of length 1, so that the inner product of two is their cosine."""

    @property
    def provider(self) -> str:
        """hashing, fastembed or openai; with model and dimension it names an embedding space."""
        ...

    @property
    def model(self) -> str:
        """Name of the model; another name means other vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers per vector. Some embedders ask their model when it is first read, and may raise ModelError."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector per text, in order; no texts, no call. Raises ModelUnavailable or ModelRefused."""
        ...
