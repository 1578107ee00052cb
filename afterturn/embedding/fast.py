"""The embedder that computes on this machine: an ONNX model, by `fastembed` (the extra `local`)."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from afterturn import extras
from afterturn.errors import ModelUnavailable, SettingsError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"

#: A batch is padded to its longest text: large ones waste work and memory, small ones gain nothing from the threads.
_BATCH_TEXTS = 32

#: Beyond this many threads a small model gains little, and takes the cores from the rest of the pipeline.
_MOST_THREADS = 4


class FastEmbedEmbedder:
    """Embeds with a local model, one call at a time: it uses several cores itself. Loaded by the first call."""

    provider = "fastembed"

    def __init__(
        self, model: str | None = None, *, model_path: Path | str | None = None, threads: int | None = None
    ) -> None:
        self.model = model or DEFAULT_MODEL
        self._model_path = None if model_path is None else Path(model_path).expanduser()
        self._threads = threads or max(1, min(_MOST_THREADS, (os.cpu_count() or 1) // 2))
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def dimension(self) -> int:
        """Numbers per vector, by fastembed's catalogue; the model need not be loaded for it."""
        for description in _text_embedding().list_supported_models():
            if str(description["model"]).lower() == self.model.lower():
                return int(description["dim"])
        raise SettingsError(f"AFTERTURN_EMBEDDING_MODEL: fastembed does not know {self.model!r}")

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text; what is beyond the model's length (256 tokens or so) is not seen."""
        if not texts:
            return []
        # Like lengths together: each batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            computed = self._loaded.embed([texts[place] for place in order], batch_size=_BATCH_TEXTS)
            vectors = dict(zip(order, (vector.tolist() for vector in computed), strict=True))
        return [_unit(vectors[place]) for place in range(len(texts))]

    def _load(self) -> Any:
        path = self._model_path
        if path is not None and not path.is_dir():
            raise SettingsError(f"AFTERTURN_EMBEDDING_MODEL_PATH: there is no folder {path}")
        text_embedding = _text_embedding()
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
                    f"AFTERTURN_EMBEDDING_MODEL_PATH: {path} does not hold {self.model} ({type(error).__name__})"
                ) from error
            raise ModelUnavailable(f"{self.model} cannot be downloaded or loaded ({type(error).__name__})") from error


def _text_embedding() -> Any:
    extras.require("local", "embedding on this machine")
    from fastembed import TextEmbedding

    return TextEmbedding


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    return [number / length for number in vector] if length else [1.0] + [0.0] * (len(vector) - 1)
