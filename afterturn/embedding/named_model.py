"""The model that the settings name, beside the one that the database serves: they may differ.

The database decides. Where the settings name another model, every process says so once, instead of ignoring them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from afterturn.database.pool import worker_connection
from afterturn.embedding import endpoint, hashing, local_model, spaces
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.errors import MemoryUnavailable
from afterturn.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

#: The model of each embedder where the settings name none.
USUAL_MODELS = {
    "hashing": hashing.MODEL,
    "fastembed": local_model.DEFAULT_MODEL,
    "openai": endpoint.DEFAULT_MODEL,
}
#: The settings that name the model.
_NAMING = ("embedder", "embedding_model", "embedding_dimension")
#: Settings that only one embedder reads.
_READ_BY = {
    "embedding_model_path": "fastembed",
    "embedding_base_url": "openai",
    "embedding_api_key": "openai",
    "embedding_extra_body": "openai",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedModel:
    """The model that the settings name."""

    provider: str
    model: str
    #: None: the settings leave it to the model.
    dimension: int | None

    def is_of(self, space: EmbeddingSpace) -> bool:
        """Return whether it is the model of a space."""
        has_model = (self.provider, self.model.casefold()) == (space.provider, space.model.casefold())
        return has_model and self.dimension in (None, space.dimension)

    def describe(self) -> str:
        dimension = "" if self.dimension is None else f", dimension {self.dimension}"
        return f"{self.model} ({self.provider}{dimension})"


def find_named_model(settings: Settings, serving: EmbeddingSpace) -> NamedModel | None:
    """Return the model that was named with settings of its own; None where none was named.

    What is not set is as in the serving space, as far as that has the same embedder.
    """
    given = settings.model_fields_set
    if given.isdisjoint(_NAMING):
        return None
    provider = settings.embedder if "embedder" in given else serving.provider
    usual = serving.model if "embedder" not in given else USUAL_MODELS[provider]
    return NamedModel(
        provider=provider,
        model=settings.embedding_model or usual,
        dimension=settings.embedding_dimension,
    )


def find_warnings(settings: Settings, known: Iterable[EmbeddingSpace]) -> list[str]:
    """Return a sentence for each setting of the embedder that has no effect on the spaces of a database."""
    active = [space for space in known if space.state != "retired"]
    serving = next((space for space in active if space.state == "serving"), None)
    if serving is None:
        return []
    warnings = []
    named = find_named_model(settings, serving)
    if named is not None and not any(named.is_of(space) for space in active):
        names = " and ".join(PREFIX + name.upper() for name in _NAMING if name in settings.model_fields_set)
        warnings.append(
            f"{names}: the settings name {named.describe()}, but the vectors of this database are of "
            f"{serving.describe()}, which is used. Run `afterturn embeddings switch` to build those of the other "
            "model, or correct the settings"
        )
    used = {space.provider for space in active} | ({named.provider} if named else set())
    idle = [name for name, provider in _READ_BY.items() if name in settings.model_fields_set and provider not in used]
    if idle:
        listed = ", ".join(PREFIX + name.upper() for name in idle)
        warnings.append(f"{listed}: not used, because the vectors of this database are of {serving.describe()}")
    return warnings


_logged: set[str] = set()
_logged_lock = threading.Lock()


def warn_once(settings: Settings, known: Iterable[EmbeddingSpace]) -> None:
    """Log each warning of `find_warnings` once per process."""
    for warning in find_warnings(settings, known):
        with _logged_lock:
            is_new = warning not in _logged
            _logged.add(warning)
        if is_new:
            logger.warning("%s", warning)


def read_warnings(settings: Settings) -> list[str]:
    """Return the warnings of `find_warnings` for the database of the settings. Raises MemoryUnavailable."""
    with worker_connection(settings) as connection:
        return find_warnings(settings, spaces.read_active_spaces(connection))


def warn_at_start(settings: Settings) -> None:
    """Log the warnings when a process starts. Nothing is logged if the database does not answer: it may come later."""
    with contextlib.suppress(MemoryUnavailable):
        for warning in read_warnings(settings):
            logger.warning("%s", warning)
