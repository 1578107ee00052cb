"""Embedding spaces: which models' vectors the database holds. The database says it, not the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterturn.embedding.embedder import Embedder
from afterturn.embedding.endpoint import EndpointEmbedder
from afterturn.embedding.fast import FastEmbedEmbedder
from afterturn.embedding.hashing import HashingEmbedder
from afterturn.settings import Settings

if TYPE_CHECKING:
    import psycopg

    from afterturn.database.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingSpace:
    """The vectors of one model."""

    space_id: int
    #: hashing, fastembed or openai.
    provider: str
    model: str
    dimension: int
    #: building, serving or retired.
    state: str


def ensure_first(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Give a database without any space the one that the settings name, as serving. Does nothing otherwise."""
    if connection.execute("SELECT 1 FROM embedding_spaces LIMIT 1").fetchone():
        return
    embedder = from_settings(settings)
    connection.execute(
        "INSERT INTO embedding_spaces (provider, model, dimension, state) VALUES (%s, %s, %s, 'serving') "
        "ON CONFLICT DO NOTHING",
        (embedder.provider, embedder.model, embedder.dimension),
    )


def active(connection: Connection) -> list[EmbeddingSpace]:
    """Return the spaces that new vectors go into, the serving one first."""
    rows = connection.execute(
        "SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state <> 'retired' "
        "ORDER BY state DESC, space_id"
    ).fetchall()
    return [EmbeddingSpace(**row) for row in rows]


def from_settings(settings: Settings) -> Embedder:
    """Return the embedder that the settings ask a new database to use."""
    return _open(settings.embedder, settings.embedding_model, settings.embedding_dimension, settings)


def open_embedder(space: EmbeddingSpace, settings: Settings) -> Embedder:
    """Return the embedder of a space. Keys, endpoint and model folder come from the settings."""
    return _open(space.provider, space.model, space.dimension, settings)


def _open(provider: str, model: str | None, dimension: int | None, settings: Settings) -> Embedder:
    match provider:
        case "hashing":
            return HashingEmbedder() if dimension is None else HashingEmbedder(dimension=dimension)
        case "fastembed":
            path = settings.embedding_model_path
            return FastEmbedEmbedder(model_path=path) if model is None else FastEmbedEmbedder(model, model_path=path)
        case _:
            return EndpointEmbedder.from_settings(settings, model=model, dimension=dimension)
