"""The embedder that calls an OpenAI-compatible endpoint."""

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

#: Inputs per call. OpenAI allows 2,048, local servers may allow fewer. A larger number only saves round trips.
BATCH_INPUTS = 256

#: Characters per call. OpenAI allows 300,000 tokens, and a token can be a single character.
BATCH_CHARACTERS = 250_000

#: A text that is too long for the model is cut in half until it fits. A text of at most this length is not cut: the
#: call fails.
MIN_TEXT_CHARACTERS = 64

#: Replaces an empty text, which endpoints refuse. A turn with only a tool call has an empty text.
_EMPTY_TEXT = "(nothing)"

_DIMENSION_ERROR = re.compile(r"dimension|matryoshka", re.IGNORECASE)


class EndpointEmbedder:
    """Requests vectors from an endpoint. Threads can share it; no connection is opened before the first call."""

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
        # Models with a fixed dimension refuse the parameter `dimensions`. Whether this one does is known after a call.
        self._sends_dimension = dimension is not None
        self._endpoint = ModelEndpoint(
            base_url=base_url, api_key=api_key, timeout_seconds=timeout_seconds, names=SETTING_NAMES
        )

    @classmethod
    def from_settings(cls, settings: Settings, *, model: str | None = None, dimension: int | None = None) -> Self:
        """Return an embedder that is configured by the settings. Opens no connection.

        Args:
            settings: endpoint, key and timeout; without an endpoint or key of the embedder, those of the LLM are used.
            model: the model of an embedding space; None: the configured one.
            dimension: the dimension of an embedding space; None: the configured one.

        Raises SettingsError when there is neither a key nor an endpoint.
        """
        has_own_endpoint = settings.embedding_base_url is not None
        # The LLM's key is not sent to another endpoint.
        key = settings.embedding_api_key or (None if has_own_endpoint else settings.llm_api_key)
        return cls(
            model=model or settings.embedding_model,
            dimension=dimension or settings.embedding_dimension,
            base_url=settings.embedding_base_url or settings.llm_base_url,
            api_key=None if key is None else key.get_secret_value(),
            timeout_seconds=settings.llm_timeout_seconds,
        )

    @property
    def dimension(self) -> int:
        """Numbers per vector. If none is configured, the first access calls the model, and may raise ModelError."""
        if self._dimension is None:
            self._dimension = len(self._call(["dimension"])[0])
        return self._dimension

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text. If a text is too long for the model, only its beginning is embedded."""
        vectors: list[list[float]] = []
        for batch in _split_into_batches([text if text.strip() else _EMPTY_TEXT for text in texts]):
            vectors += self._embed_with_shortening(batch)
        if vectors and self._dimension is None:
            self._dimension = len(vectors[0])
        if any(len(vector) != self._dimension for vector in vectors):
            raise ModelRefused(
                f"the model's vectors are not of dimension {self._dimension}: "
                "check AFTERTURN_EMBEDDING_MODEL and AFTERTURN_EMBEDDING_DIMENSION"
            )
        return vectors

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._endpoint.close()

    def _embed_with_shortening(self, texts: list[str]) -> list[list[float]]:
        """Embed texts; split the call, and then shorten single texts, while the input is too long."""
        try:
            return self._call(texts)
        except InputTooLong:
            if len(texts) > 1:
                middle = len(texts) // 2
                return self._embed_with_shortening(texts[:middle]) + self._embed_with_shortening(texts[middle:])
            if len(texts[0]) <= MIN_TEXT_CHARACTERS:
                raise
            return self._embed_with_shortening([texts[0][: len(texts[0]) // 2]])

    def _call(self, texts: list[str]) -> list[list[float]]:
        body: dict[str, Any] = {"model": self.model, "input": texts, "encoding_format": "base64"}
        if self._sends_dimension:
            body["dimensions"] = self._dimension
        try:
            answer = self._endpoint.post("embeddings", body)
        except CallFailed as error:
            if self._sends_dimension and error.failure.status in (400, 422) and error.failure.says(_DIMENSION_ERROR):
                self._sends_dimension = False
                return self._call(texts)
            raise failures.error_for(error.failure, SETTING_NAMES) from None
        return _parse_vectors(answer, len(texts))


def _split_into_batches(texts: Sequence[str]) -> Iterator[list[str]]:
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


def _parse_vectors(answer: Mapping[str, Any], count: int) -> list[list[float]]:
    """Return the unit vectors in an answer, in the order of the inputs."""
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    by_index = {item.get("index", position): item for position, item in enumerate(items)}
    if set(by_index) != set(range(count)):
        raise ModelUnavailable(f"the endpoint returned {len(items)} vectors for {count} texts")
    return [_normalize(_decode_vector(by_index[index].get("embedding"))) for index in range(count)]


def _decode_vector(embedding: object) -> list[float]:
    """Decode base64 (32-bit floats, little-endian), or a list: some servers ignore `encoding_format`."""
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
    raise ModelUnavailable("the endpoint returned no vector")


def _normalize(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0.0:
        raise ModelRefused("the endpoint returned a vector of length zero, infinity or not-a-number")
    return [number / length for number in vector]
