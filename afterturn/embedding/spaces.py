"""Embedding spaces: the models whose vectors the database contains. The table `embedding_spaces` decides, not settings.

The settings only say which space a new database gets. `switching.py` changes the spaces of an existing one.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from afterturn.embedding.embedder import Embedder
from afterturn.embedding.endpoint import EndpointEmbedder
from afterturn.embedding.hashing import HashingEmbedder
from afterturn.embedding.local_model import FastEmbedEmbedder
from afterturn.embedding.model_access import find_access
from afterturn.errors import ModelError, SettingsError
from afterturn.settings import Settings

if TYPE_CHECKING:
    import psycopg
    import redis

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

    @property
    def is_building(self) -> bool:
        return self.state == "building"

    def describe(self) -> str:
        """Return its model for messages, such as "text-embedding-3-small (openai, dimension 1536)"."""
        return f"{self.model} ({self.provider}, dimension {self.dimension})"


def ensure_first_space(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Insert the space that the settings name, as serving, if the database has no space.

    The model is called, and its vectors are compared with the dimension of the space. Raises SettingsError if they
    differ; ModelError if a new database needs the dimension and the model does not answer.
    """
    row = connection.execute(
        "SELECT space_id, provider, model, dimension, state FROM embedding_spaces WHERE state = 'serving'"
    ).fetchone()
    if row is not None:
        columns = ("space_id", "provider", "model", "dimension", "state")
        space = EmbeddingSpace(**(row if isinstance(row, dict) else dict(zip(columns, row, strict=True))))
        with closing(open_embedder(space, settings)) as embedder:
            _check_dimension(embedder, is_new=False)
        return
    with closing(make_configured_embedder(settings)) as embedder:
        _check_dimension(embedder, is_new=True)
        connection.execute(
            "INSERT INTO embedding_spaces (provider, model, dimension, state) VALUES (%s, %s, %s, 'serving') "
            "ON CONFLICT DO NOTHING",
            (embedder.provider, embedder.model, embedder.dimension),
        )


def _check_dimension(embedder: Embedder, *, is_new: bool) -> None:
    """Compare the vectors of an endpoint with the dimension of the space. If it does not answer, nothing is compared.

    Raises SettingsError.
    """
    if not isinstance(embedder, EndpointEmbedder):
        return
    expected = embedder.configured_dimension
    try:
        found = embedder.measure_dimension()
    except ModelError:
        if expected is None:
            raise
        return
    if expected is None or found == expected:
        return
    fix = (
        "set AFTERTURN_EMBEDDING_DIMENSION to that, or leave it out"
        if is_new
        else "the vectors of this database are of another model: set AFTERTURN_EMBEDDING_BASE_URL to the endpoint that "
        "serves it"
    )
    raise SettingsError(
        f"the model {embedder.model} gives vectors of dimension {found}, not {expected} "
        f"(AFTERTURN_EMBEDDING_MODEL, AFTERTURN_EMBEDDING_DIMENSION): {fix}"
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


def open_embedder(space: EmbeddingSpace, settings: Settings, *, client: redis.Redis | None = None) -> Embedder:
    """Return the embedder of a space. Keys, endpoint and model folder come from the settings.

    `client` is the Redis in which workers share what they learn of an endpoint. Raises SettingsError when the settings
    do not say how to reach the model; MissingExtra when its library is not installed.
    """
    return _make_embedder(space.provider, space.model, space.dimension, settings, client)


def _make_embedder(
    provider: str, model: str | None, dimension: int | None, settings: Settings, client: redis.Redis | None = None
) -> Embedder:
    match provider:
        case "hashing":
            return HashingEmbedder() if dimension is None else HashingEmbedder(dimension=dimension)
        case "fastembed":
            path = find_access(settings, model).path
            return FastEmbedEmbedder(model_path=path) if model is None else FastEmbedEmbedder(model, model_path=path)
        case _:
            return EndpointEmbedder.from_settings(settings, model=model, dimension=dimension, client=client)
