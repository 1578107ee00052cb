"""How a model is reached: its endpoint, key or folder.

While one model replaces another, workers need both. AFTERTURN_EMBEDDING_OTHER_MODELS says where a model is that is not
where the other settings of the embedder say.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from afterturn.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAccess:
    """Where a model is."""

    #: Of its endpoint; None: OpenAI's own.
    base_url: str | None
    api_key: str | None
    #: The folder of a fastembed model; None: it is downloaded.
    path: Path | None


def find_access(settings: Settings, model: str | None) -> ModelAccess:
    """Return where a model is, by the settings; None: the embedder's usual model."""
    other = settings.embedding_other_model_fields.get(model or "")
    if other is not None:
        path = other.get("path")
        return ModelAccess(
            base_url=other.get("base_url"), api_key=other.get("api_key"), path=None if path is None else Path(path)
        )
    # The LLM's key is not sent to another endpoint.
    key = settings.embedding_api_key or (None if settings.embedding_base_url else settings.llm_api_key)
    # The folder contains one model: the one that is set.
    is_named = model is None or (settings.embedding_model or model).casefold() == model.casefold()
    return ModelAccess(
        base_url=settings.embedding_base_url or settings.llm_base_url,
        api_key=None if key is None else key.get_secret_value(),
        path=settings.embedding_model_path if is_named else None,
    )
