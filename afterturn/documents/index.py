"""Which texts of documents get vectors, and by which embedder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

Similarity: TypeAlias = Literal["cosine", "inner_product", "l2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vectors:
    """Vectors of texts, all of one embedder."""

    #: Names the embedder in the table of vectors.
    space: str
    similarity: Similarity = "cosine"
    #: Text -> vector. A text that the embedder refuses is missing.
    by_text: Mapping[str, Sequence[float]] = field(default_factory=dict)


class TextEmbedder(Protocol):
    """Turns texts into vectors, with and without asyncio."""

    def embed(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector, without the texts that the embedder refuses."""
        ...

    async def embed_async(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector, like `embed`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnEmbedder:
    """An embedder that the caller brings."""

    embedder: TextEmbedder
    #: Numbers per vector. It names the space: an embedder with another dimension replaces all vectors.
    dimension: int
    similarity: Similarity = "cosine"

    @property
    def space(self) -> str:
        """The name of its vectors."""
        return f"own {self.dimension}"


class ReadTexts(Protocol):
    """Reads the texts at some paths of a value."""

    def __call__(self, value: Mapping[str, Any], paths: Sequence[str]) -> Sequence[str]:
        """Return the texts, of all paths."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """How documents are indexed."""

    read_texts: ReadTexts
    #: None: the model whose vectors the database serves, as for facts.
    own: OwnEmbedder | None = None
