"""The embedder that calls an OpenAI-compatible endpoint."""

from __future__ import annotations

import base64
import binascii
import json
import math
import sys
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Self

import redis

from afterturn.embedding.model_access import find_access
from afterturn.embedding.request_form import RequestForm, is_unexplained, next_form
from afterturn.embedding.vector_call import VectorCall
from afterturn.endpoints import failures
from afterturn.endpoints.endpoint import CallFailed, ModelEndpoint
from afterturn.endpoints.failures import Failure, SettingNames
from afterturn.endpoints.learned import Memory
from afterturn.errors import EndpointMisconfigured, ModelRefused, ModelUnavailable
from afterturn.settings import Settings

SETTING_NAMES = SettingNames(
    api_key="AFTERTURN_EMBEDDING_API_KEY (or AFTERTURN_LLM_API_KEY)",
    model="AFTERTURN_EMBEDDING_MODEL",
    base_url="AFTERTURN_EMBEDDING_BASE_URL (or AFTERTURN_LLM_BASE_URL)",
)

DEFAULT_MODEL = "text-embedding-3-small"

#: Replaces an empty text, which endpoints refuse. A turn with only a tool call has an empty text.
_EMPTY_TEXT = "(nothing)"


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
        extra_body: Mapping[str, Any] | None = None,
        client: redis.Redis | None = None,
    ) -> None:
        """Prepare it; no connection is opened.

        Args:
            model: the name of the model; None: OpenAI's small one.
            dimension: numbers per vector; None: what the model gives.
            base_url: the URL of the endpoint; None: OpenAI's own.
            api_key: the key, where the endpoint needs one.
            timeout_seconds: the longest time of a call.
            extra_body: fields that are added to each request.
            client: the Redis in which workers share what they learn of the endpoint; None: each learns for itself.

        Raises SettingsError.
        """
        self.model = model or DEFAULT_MODEL
        self._dimension = dimension
        self._endpoint = ModelEndpoint(
            base_url=base_url,
            api_key=api_key,
            timeout_seconds=timeout_seconds,
            names=SETTING_NAMES,
            model=self.model,
            extra_body=extra_body,
        )
        self._memory = Memory(
            RequestForm(sends_dimension=dimension is not None),
            kind="embedder",
            endpoint=(base_url or "", self.model, str(dimension), json.dumps(dict(extra_body or {}))),
            client=client,
        )

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        model: str | None = None,
        dimension: int | None = None,
        client: redis.Redis | None = None,
    ) -> Self:
        """Return an embedder that is configured by the settings. Opens no connection.

        Args:
            settings: endpoint, key and timeout; without an endpoint or key of the embedder, those of the LLM are used.
            model: the model of an embedding space; None: the configured one.
            dimension: the dimension of an embedding space; None: the configured one.
            client: the Redis in which workers share what they learn of the endpoint.

        Raises SettingsError when there is neither a key nor an endpoint.
        """
        access = find_access(settings, model or settings.embedding_model)
        return cls(
            model=model or settings.embedding_model,
            dimension=dimension or settings.embedding_dimension,
            base_url=access.base_url,
            api_key=access.api_key,
            timeout_seconds=settings.llm_timeout_seconds,
            extra_body=settings.embedding_extra_fields,
            client=client,
        )

    @property
    def configured_dimension(self) -> int | None:
        """The dimension of the embedding space or of the settings; None if the model decides."""
        return self._dimension

    @property
    def dimension(self) -> int:
        """Numbers per vector. If none is configured, the first access calls the model, and may raise ModelError."""
        if self._dimension is None:
            self._dimension = self.measure_dimension()
        return self._dimension

    def measure_dimension(self) -> int:
        """Call the model, and return how many numbers its vectors have. Raises ModelError."""
        return len(self._embed_all(["dimension"])[0])

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector per text. If a text is too long for the model, only its beginning is embedded.

        Raises ModelUnavailable or ModelRefused.
        """
        vectors = self._embed_all([text if text.strip() else _EMPTY_TEXT for text in texts])
        if vectors and self._dimension is None:
            self._dimension = len(vectors[0])
        wrong_dimensions = {len(vector) for vector in vectors} - {self._dimension}
        if wrong_dimensions and any(len(vector) == self._dimension for vector in vectors):
            raise ModelRefused(f"the endpoint returned a vector that is not of dimension {self._dimension}")
        if wrong := max(wrong_dimensions, default=None):
            # It affects every text, so that no batch becomes dead for it.
            raise EndpointMisconfigured(
                f"the model's vectors are of dimension {wrong}, not {self._dimension}: "
                "check AFTERTURN_EMBEDDING_MODEL and AFTERTURN_EMBEDDING_DIMENSION"
            )
        return vectors

    def close(self) -> None:
        """Close the connections. The next call opens new ones."""
        self._endpoint.close()

    def _embed_all(self, texts: list[str]) -> list[list[float]]:
        vectors: list[list[float]] = []
        guess = None
        while len(vectors) < len(texts):
            call = VectorCall(self._memory.read(), texts[len(vectors) :], guess)
            vectors += self._embed_first(call)
            guess = call.guess
        return vectors

    def _embed_first(self, call: VectorCall) -> list[list[float]]:
        """Embed as many of the first texts as the endpoint takes in one call. Raises ModelError."""
        while True:
            try:
                answer = self._endpoint.post("embeddings", self._body(call))
            except CallFailed as error:
                if not self._endpoint.change_url(error) and not self._step_down(call, error.failure):
                    raise failures.error_for(error.failure, SETTING_NAMES) from None
                continue
            vectors = _parse_vectors(answer, len(call.texts))
            self._memory.unexplained = 0
            form = call.proven_form()
            if not call.learned.is_proven or call.learned.form != form:
                self._memory.write(form, "proven")
            return vectors

    def _step_down(self, call: VectorCall, failure: Failure) -> bool:
        """Change the call after a refusal. Return False if there is no other form to try."""
        if failure.is_about_length:
            return call.shorten()
        if (form := next_form(call.form, failure, len(call.texts))) is not None:
            call.change(form)
            return True
        if not is_unexplained(failure):
            return False
        if call.is_walking or self._memory.may_walk(call.learned):
            if call.walk():
                return True
            self._memory.write(call.learned.form, "nothing works")
            return False
        return call.halve()

    def _body(self, call: VectorCall) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, "input": call.texts, "encoding_format": call.form.encoding}
        if call.form.sends_dimension:
            body["dimensions"] = self._dimension
        return body


def _parse_vectors(answer: Mapping[str, Any], count: int) -> list[list[float]]:
    """Return the unit vectors in an answer, in the order of the inputs."""
    items = answer.get("data")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ModelUnavailable(f"the endpoint does not speak this protocol: check {SETTING_NAMES.base_url}")
    indexes = [item.get("index", position) for position, item in enumerate(items)]
    if len(items) == count and set(indexes) == {0}:
        # Some servers number every vector 0; they keep the order.
        indexes = list(range(count))
    by_index = dict(zip(indexes, items, strict=True))
    if set(by_index) != set(range(count)):
        raise ModelUnavailable(f"the endpoint returned {len(items)} vectors for {count} texts")
    return [_normalize(_decode_vector(by_index[index].get("embedding"))) for index in range(count)]


def _decode_vector(embedding: object) -> list[float]:
    """Decode base64 (32-bit floats, little-endian), or a list: some servers ignore `encoding_format`."""
    try:
        if isinstance(embedding, str):
            floats = array("f", base64.b64decode(embedding, validate=True))
            if sys.byteorder == "big":
                floats.byteswap()
            return floats.tolist()
        if isinstance(embedding, list):
            # llama.cpp without pooling gives a list of one list.
            numbers = embedding[0] if len(embedding) == 1 and isinstance(embedding[0], list) else embedding
            return [float(number) for number in numbers]
    except (ValueError, TypeError, binascii.Error):
        pass
    raise ModelUnavailable("the endpoint returned no vector")


def _normalize(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0.0:
        raise ModelRefused("the endpoint returned a vector of length zero, infinity or not-a-number")
    return [number / length for number in vector]
