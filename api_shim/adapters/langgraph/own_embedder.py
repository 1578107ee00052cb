"""An embedder that the caller brings, in the forms that LangGraph takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.embeddings import Embeddings
from langgraph.store.base import ensure_embeddings

from afterturn.documents.index import OwnEmbedder, TextEmbedder
from afterturn.errors import InvalidInput

_SIMILARITIES = ("cosine", "inner_product", "l2")


@dataclass(frozen=True, slots=True)
class LangChainEmbedder(TextEmbedder):
    """LangChain's embeddings."""

    embeddings: Embeddings

    def embed(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector."""
        return dict(zip(texts, self.embeddings.embed_documents(list(texts)), strict=True))

    async def embed_async(self, texts: Sequence[str]) -> Mapping[str, Sequence[float]]:
        """Return text -> vector."""
        return dict(zip(texts, await self.embeddings.aembed_documents(list(texts)), strict=True))


def make_own_embedder(config: Mapping[str, Any]) -> tuple[Embeddings, OwnEmbedder]:
    """Return the embeddings of an `IndexConfig`, as LangChain's and as the memory's. Raises InvalidInput."""
    embed, dims = config.get("embed"), config.get("dims")
    if embed is None:
        raise InvalidInput('index needs "embed"; leave index out to use the embedder of the memory')
    if not isinstance(dims, int) or dims < 1:
        raise InvalidInput(f'index needs "dims", the numbers per vector, not {dims!r}')
    similarity = config.get("distance_type", "cosine")
    if similarity not in _SIMILARITIES:
        raise InvalidInput(f"distance_type must be one of {', '.join(_SIMILARITIES)}, not {similarity!r}")
    embeddings = ensure_embeddings(embed)
    own = OwnEmbedder(embedder=LangChainEmbedder(embeddings), dimension=dims, similarity=similarity)
    return embeddings, own
