"""The interface of all embedders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """Turns texts into vectors of length 1, so that the inner product of two vectors is their cosine."""

    @property
    def provider(self) -> str:
        """hashing, fastembed or openai. Provider, model and dimension identify an embedding space."""
        ...

    @property
    def model(self) -> str:
        """Name of the model. Vectors of different models cannot be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers per vector. Some embedders call their model when it is first read, and may raise ModelError."""
        ...

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector per text, in order. Without texts no call is made.

        Raises ModelUnavailable or ModelRefused.
        """
        ...

    def close(self) -> None:
        """Close the connections to an endpoint, if there are any. The next call opens new ones."""
        ...
