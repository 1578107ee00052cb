"""The embedder that runs an ONNX model on this machine, with `fastembed` (the extra `local`)."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afterturn import extras
from afterturn.errors import ModelRefused, ModelUnavailable, SettingsError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

#: Texts per batch. A batch is padded to its longest text: large batches waste time and memory, small ones do not use
#: all threads.
_BATCH_TEXTS = 32

#: With more threads a small model is hardly faster, and takes cores from the rest of the pipeline.
_MAX_THREADS = 4


class FastEmbedEmbedder:
    """Embeds with a local model, which the first call loads. One call runs at a time, on several cores."""

    provider = "fastembed"

    def __init__(
        self, model: str | None = None, *, model_path: Path | str | None = None, threads: int | None = None
    ) -> None:
        self.model = model or DEFAULT_MODEL
        self._model_path = None if model_path is None else Path(model_path).expanduser()
        self._threads = threads or max(1, min(_MAX_THREADS, (os.cpu_count() or 1) // 2))
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def dimension(self) -> int:
        """Numbers per vector, from fastembed's list of models. The model is not loaded."""
        for description in _import_text_embedding().list_supported_models():
            if str(description["model"]).lower() == self.model.lower():
                return int(description["dim"])
        raise SettingsError(f"AFTERTURN_EMBEDDING_MODEL: fastembed does not know {self.model!r}")

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text. Text beyond the model's length (about 256 tokens) has no effect."""
        if not texts:
            return []
        # Texts of similar length are in the same batch, because a batch is padded to its longest text.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            computed = self._compute([texts[index] for index in order])
        vectors = dict(zip(order, computed, strict=True))
        return [_normalize(vectors[index]) for index in range(len(texts))]

    def close(self) -> None:
        """Do nothing: it has no connections."""

    def _compute(self, texts: Sequence[str]) -> list[list[float]]:
        try:
            return [vector.tolist() for vector in self._loaded.embed(texts, batch_size=_BATCH_TEXTS)]
        except Exception as error:
            # The runtime raises errors of its own for an input that the model cannot process, or when memory is short.
            raise ModelUnavailable(f"{self.model} failed on an input ({type(error).__name__})") from error

    def _load(self) -> Any:
        path = self._model_path
        if path is not None and not path.is_dir():
            raise SettingsError(f"AFTERTURN_EMBEDDING_MODEL_PATH: there is no folder {path}")
        text_embedding = _import_text_embedding()
        try:
            return text_embedding(
                self.model,
                threads=self._threads,
                cuda=False,
                **({} if path is None else {"specific_model_path": str(path), "local_files_only": True}),
            )
        except Exception as error:
            if path is not None:
                raise SettingsError(
                    f"AFTERTURN_EMBEDDING_MODEL_PATH: {path} does not contain {self.model} ({type(error).__name__})"
                ) from error
            raise ModelUnavailable(f"{self.model} cannot be downloaded or loaded ({type(error).__name__})") from error


def _import_text_embedding() -> Any:
    extras.require("local", "embedding on this machine")
    from fastembed import TextEmbedding

    return TextEmbedding


def _normalize(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    if not math.isfinite(length):
        raise ModelRefused("the model returned a vector of infinity or not-a-number")
    return [number / length for number in vector] if length else [1.0] + [0.0] * (len(vector) - 1)
