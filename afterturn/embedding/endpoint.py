"""The embedder behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import base64
import binascii
import math
import re
import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

from afterturn.endpoints import failures
from afterturn.endpoints.endpoint import CallFailed, ModelEndpoint
from afterturn.endpoints.failures import SettingNames
from afterturn.errors import InputTooLong, ModelRefused, ModelUnavailable
from afterturn.settings import Settings

SETTING_NAMES = SettingNames(
    api_key="AFTERTURN_EMBEDDING_API_KEY (or AFTERTURN_LLM_API_KEY)",
    model="AFTERTURN_EMBEDDING_MODEL",
    base_url="AFTERTURN_EMBEDDING_BASE_URL (or AFTERTURN_LLM_BASE_URL)",
)

DEFAULT_MODEL = "text-embedding-3-small"

#: Inputs per call. OpenAI takes 2,048, local servers may take fewer; more saves nothing but round trips.
BATCH_INPUTS = 256

#: Characters per call: OpenAI takes 300,000 tokens, and a token may be a single character.
BATCH_CHARACTERS = 250_000

#: A text that the model finds too long is cut in half until it fits, and given up below this.
SHORTEST_CHARACTERS = 64

#: Endpoints refuse an empty input, but a turn that only holds a tool call has one.
_NOTHING = "(nothing)"

_ABOUT_DIMENSION = re.compile(r"dimension|matryoshka", re.IGNORECASE)


class EndpointEmbedder:
    """Asks an endpoint for vectors. Safe to share between threads; nothing is opened before the first call."""

    provider = "openai"

    def __init__(
        self,
        *,
        model: str | None = None,
        dimension: int | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
    ) -> None:
        self.model = model or DEFAULT_MODEL
        self._dimension = dimension
        # Models without a choice of dimension refuse to be told one; whether this one does is found out by asking.
        self._tells_dimension = dimension is not None
        self._endpoint = ModelEndpoint(
            base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds, names=SETTING_NAMES
        )

    @classmethod
    def from_settings(cls, settings: Settings, *, model: str | None = None, dimension: int | None = None) -> Self:
        """Return the embedder of an embedding space; its endpoint and key are the LLM's where it has none of its own.

        Nothing is opened. Raises SettingsError when there is neither a key nor an endpoint.
        """
        own_endpoint = settings.embedding_base_url is not None
        # A key is only shown to the endpoint that it is for.
        key = settings.embedding_api_key or (None if own_endpoint else settings.llm_api_key)
        return cls(
            model=model or settings.embedding_model,
            dimension=dimension or settings.embedding_dimension,
            base_url=settings.embedding_base_url or settings.llm_base_url,
            api_key=None if key is None else key.get_secret_value(),
            timeout_seconds=settings.llm_timeout_seconds,
        )

    @property
    def dimension(self) -> int:
        """Numbers per vector; where none was chosen, the first reading asks the model, and may raise ModelError."""
        if self._dimension is None:
            self._dimension = len(self._call(["dimension"])[0])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text. Of a text longer than the model can read, the beginning is embedded."""
        vectors: list[list[float]] = []
        for batch in _batches([text if text.strip() else _NOTHING for text in texts]):
            vectors += self._embed_shrinking(batch)
        if vectors and self._dimension is None:
            self._dimension = len(vectors[0])
        if any(len(vector) != self._dimension for vector in vectors):
            raise ModelRefused(
                f"the model's vectors are not of dimension {self._dimension}: "
                "check AFTERTURN_EMBEDDING_MODEL and AFTERTURN_EMBEDDING_DIMENSION"
            )
        return vectors

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._endpoint.close()

    def _embed_shrinking(self, texts: list[str]) -> list[list[float]]:
        try:
            return self._call(texts)
        except InputTooLong:
            if len(texts) > 1:
                middle = len(texts) // 2
                return self._embed_shrinking(texts[:middle]) + self._embed_shrinking(texts[middle:])
            if len(texts[0]) <= SHORTEST_CHARACTERS:
                raise
            return self._embed_shrinking([texts[0][: len(texts[0]) // 2]])

    def _call(self, texts: list[str]) -> list[list[float]]:
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "base64"}
        if self._tells_dimension:
            body["dimensions"] = self._dimension
        try:
            answer = self._endpoint.post("embeddings", body)
        except CallFailed as error:
            if self._tells_dimension and error.failure.status in (400, 422) and error.failure.says(_ABOUT_DIMENSION):
                self._tells_dimension = False
                return self._call(texts)
            raise failures.error_for(error.failure, SETTING_NAMES) from None
        return _vectors(answer, len(texts))


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH_INPUTS or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch


def _vectors(answer: Mapping[str, Any], count: int) -> list[list[float]]:
    """Return the vectors of an answer in the order of the inputs, each of length 1."""
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    by_index = {item.get("index", place): item for place, item in enumerate(items)}
    if set(by_index) != set(range(count)):
        raise ModelUnavailable(f"the endpoint answered {len(items)} vectors to {count} texts")
    return [_unit(_numbers(by_index[place].get("embedding"))) for place in range(count)]


def _numbers(embedding: object) -> list[float]:
    """Decode base64 (32-bit floats, little-endian); servers that do not know it send a list all the same."""
    try:
        if isinstance(embedding, str):
            numbers = array("f", base64.b64decode(embedding, validate=True))
            if sys.byteorder == "big":
                numbers.byteswap()
            return numbers.tolist()
        if isinstance(embedding, list):
            return [float(number) for number in embedding]
    except (ValueError, TypeError, binascii.Error):
        pass
    raise ModelUnavailable("the endpoint answered no vector")


def _unit(numbers: list[float]) -> list[float]:
    length = math.hypot(*numbers)
    if not math.isfinite(length) or length == 0.0:
        raise ModelRefused("the endpoint answered a vector without a direction (zero, infinite or not a number)")
    return [number / length for number in numbers]
