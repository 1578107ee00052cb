"""Embedding spaces: the models whose vectors the database contains. The table `embedding_spaces` decides, not settings.

The settings only say which space a new database gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterturn.embedding.embedder import Embedder
from afterturn.embedding.endpoint import EndpointEmbedder
from afterturn.embedding.hashing import HashingEmbedder
from afterturn.embedding.local_model import FastEmbedEmbedder
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


def ensure_first_space(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Insert the space that the settings name, as serving, if the database has no space."""
    if connection.execute("SELECT 1 FROM embedding_spaces LIMIT 1").fetchone():
        return
    embedder = make_configured_embedder(settings)
    connection.execute(
        "INSERT INTO embedding_spaces (provider, model, dimension, state) VALUES (%s, %s, %s, 'serving') "
        "ON CONFLICT DO NOTHING",
        (embedder.provider, embedder.model, embedder.dimension),
    )


def read_active_spaces(connection: Connection) -> list[EmbeddingSpace]:
    """Return the spaces that get new vectors, the serving one first."""
    rows = connection.execute(
        "SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state <> 'retired' "
        "ORDER BY state DESC, space_id"
    ).fetchall()
    return [EmbeddingSpace(**row) for row in rows]


def make_configured_embedder(settings: Settings) -> Embedder:
    """Return the embedder that the settings name for a new database."""
    return _make_embedder(settings.embedder, settings.embedding_model, settings.embedding_dimension, settings)


def open_embedder(space: EmbeddingSpace, settings: Settings) -> Embedder:
    """Return the embedder of a space. Keys, endpoint and model folder come from the settings."""
    return _make_embedder(space.provider, space.model, space.dimension, settings)


def _make_embedder(provider: str, model: str | None, dimension: int | None, settings: Settings) -> Embedder:
    match provider:
        case "hashing":
            return HashingEmbedder() if dimension is None else HashingEmbedder(dimension=dimension)
        case "fastembed":
            path = settings.embedding_model_path
            return FastEmbedEmbedder(model_path=path) if model is None else FastEmbedEmbedder(model, model_path=path)
        case _:
            return EndpointEmbedder.from_settings(settings, model=model, dimension=dimension)
