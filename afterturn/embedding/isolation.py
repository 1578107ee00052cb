"""Embed texts so that one which the embedder cannot read does not keep the others from their vectors.

A call that fails is repeated in halves, down to the text that fails by itself. Whether the endpoint works at all is
asked with a harmless text, before the first halving and wherever both halves fail: an endpoint that fails everybody
gets two calls and not one for each text.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from afterturn.embedding.embedder import Embedder
from afterturn.errors import EndpointMisconfigured, ModelError, ModelRefused, ModelUnavailable
from afterturn.redaction import credentials

#: Any embedder can embed this.
PROBE_TEXT = "The weather is fine today."

#: A call that fails after a longer time is not repeated: an endpoint that hangs would hang again for each half. The
#: whole isolation ends after the second time. Both are far below AFTERTURN_TASK_DEADLINE_SECONDS.
_SLOW_CALL_SECONDS = 20.0
_MAX_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why one text has no vector."""

    #: A stable code, and a description without content.
    reason: str
    #: Whether a later attempt may succeed.
    may_pass: bool


Outcome: TypeAlias = Sequence[float] | Refusal


def embed_each(embedder: Embedder, texts: Sequence[str]) -> list[Outcome]:
    """Return a vector for each text, without the secrets in it, or why it has none.

    Raises ModelError if the embedder fails for every text.
    """
    return _Isolation(embedder).embed([credentials.redact(text) for text in texts])


class _Isolation:
    """The embedding of one list of texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._started = time.monotonic()

    def embed(self, texts: list[str]) -> list[Outcome]:
        """Embed all texts. If the call fails, make sure that the embedder works, and embed them in halves."""
        began = time.monotonic()
        try:
            return self._call(texts)
        except EndpointMisconfigured:
            raise
        except ModelError as error:
            asks_to_wait = isinstance(error, ModelUnavailable) and error.retry_after_seconds is not None
            if not texts or asks_to_wait or time.monotonic() - began > _SLOW_CALL_SECONDS:
                raise
            self._probe(error)
            return self._embed_halves(texts, error)

    def _embed_halves(self, texts: list[str], error: ModelError) -> list[Outcome]:
        """Embed the halves of a list of texts whose call failed although the embedder works."""
        if len(texts) == 1:
            may_pass = isinstance(error, ModelUnavailable) and not isinstance(error, EndpointMisconfigured)
            return [Refusal(reason=f"{error.code}: {error}", may_pass=may_pass)]
        if time.monotonic() - self._started > _MAX_SECONDS:
            raise error
        middle = len(texts) // 2
        halves = (texts[:middle], texts[middle:])
        outcomes = [self._try(half) for half in halves]
        failures = [outcome for outcome in outcomes if isinstance(outcome, ModelError)]
        if len(failures) == len(halves):
            self._probe(failures[0])
        return [
            vector
            for half, outcome in zip(halves, outcomes, strict=True)
            for vector in (self._embed_halves(half, outcome) if isinstance(outcome, ModelError) else outcome)
        ]

    def _probe(self, error: ModelError) -> None:
        """Raise an error of the endpoint if the embedder cannot embed a harmless text either."""
        try:
            self._call([PROBE_TEXT])
        except ModelError as failure:
            if isinstance(error, ModelUnavailable):
                raise error from None
            if isinstance(failure, ModelUnavailable):
                raise failure from error
            settings = "AFTERTURN_EMBEDDING_MODEL and AFTERTURN_EMBEDDING_BASE_URL"
            raise EndpointMisconfigured(
                f"the embedder refuses every text ({error.code}): check {settings}"
            ) from failure

    def _try(self, texts: list[str]) -> list[Outcome] | ModelError:
        try:
            return self._call(texts)
        except ModelError as error:
            return error

    def _call(self, texts: list[str]) -> list[Outcome]:
        vectors = self._embedder.embed(texts)
        if len(vectors) != len(texts):
            raise ModelUnavailable(f"the embedder returned {len(vectors)} vectors for {len(texts)} texts")
        if not all(len(vector) == self._embedder.dimension for vector in vectors):
            raise ModelRefused(f"the embedder returned a vector that is not of dimension {self._embedder.dimension}")
        # The numbers are at most 1, so that their sum is finite if they are.
        if not all(math.isfinite(sum(vector)) for vector in vectors):
            raise ModelRefused("the embedder returned infinity or not-a-number")
        return [*vectors]
