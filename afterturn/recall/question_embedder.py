"""Embed questions in the embedding space that the database serves."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.embedding import isolation, named_model, spaces
from afterturn.embedding.embedder import Embedder
from afterturn.embedding.hashing import HashingEmbedder
from afterturn.embedding.isolation import Outcome
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.errors import AfterturnError, EndpointMisconfigured, MissingExtra, SettingsError
from afterturn.recall.ranking import SHARE_OF_SPELLING
from afterturn.redaction import credentials
from afterturn.scopes import UserScope
from afterturn.settings import Settings

#: How long a process uses the serving space that it has read. Longer: a switch to another model takes effect later.
SPACE_SECONDS = 30.0
CACHED_QUESTIONS = 512
#: How long the vector of a question stays in the cache: long enough to page through one answer. After a user is
#: forgotten, the vectors of their questions stay in a running process for this long. The cache holds no text.
CACHED_SECONDS = 60.0


class QuestionEmbedder:
    """Embeds questions and caches the vectors for a minute. Threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._space: EmbeddingSpace | None = None
        self._space_read_at = float("-inf")
        self._embedder: Embedder | None = None
        #: That one, and those of the spaces before it: another thread may still use them.
        self._opened: list[Embedder] = []
        #: Why the embedder of the space cannot be opened.
        self._problem: AfterturnError | None = None
        #: (time of the embedding, vector) by space, user and digest of the question; the oldest entry first.
        self._vectors: OrderedDict[tuple[int, UserScope, bytes], tuple[float, list[float]]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def needs_space(self) -> bool:
        """Whether the caller must read the serving space from the database and pass it to `use`."""
        return time.monotonic() - self._space_read_at > SPACE_SECONDS

    @property
    def space_id(self) -> int | None:
        """The id of the serving space; None where none is known."""
        return None if self._space is None else self._space.space_id

    @property
    def meaning_share(self) -> float:
        """The share of the weights of cosines that the vectors of the serving space deserve."""
        is_spelling = self._space is not None and self._space.provider == HashingEmbedder.provider
        return SHARE_OF_SPELLING if is_spelling else 1.0

    def use(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Use the serving space among the rows of the query `active_spaces`, and warn of settings without effect."""
        active = [EmbeddingSpace(**row) for row in rows]
        space = next((space for space in active if space.state == "serving"), None)
        named_model.warn_once(self._settings, active)
        with self._lock:
            if space != self._space:
                self._space, self._embedder, self._problem = space, None, None
                self._open(space)
            self._space_read_at = time.monotonic()

    def _open(self, space: EmbeddingSpace | None) -> None:
        """Open the embedder of a space. After a switch, the settings of this process may not reach the new model."""
        if space is None:
            return
        try:
            self._embedder = spaces.open_embedder(space, self._settings)
        except (SettingsError, MissingExtra) as error:
            self._problem = error
        else:
            self._opened.append(self._embedder)

    def embed(self, scope: UserScope, question: str) -> list[float] | None:
        """Return the vector of a user's question, without the secrets in it; None where the database serves no space.

        Raises ModelUnavailable or ModelRefused; EndpointMisconfigured if the settings do not reach the model.
        """
        question = credentials.redact(question)
        with self._lock:
            space, embedder = self._space, self._embedder
            if space is not None and self._problem is not None:
                raise _make_unreachable(space, self._problem)
            if space is None or embedder is None:
                return None
            key = (space.space_id, scope, hashlib.blake2b(question.encode(), digest_size=16).digest())
            self._drop_expired()
            if key in self._vectors:
                return self._vectors[key][1]
        try:
            vector = embedder.embed([question])[0]
        except (SettingsError, MissingExtra) as error:
            raise _make_unreachable(space, error) from error
        with self._lock:
            self._vectors.pop(key, None)
            self._vectors[key] = time.monotonic(), vector
            if len(self._vectors) > CACHED_QUESTIONS:
                self._vectors.popitem(last=False)
        return vector

    def embed_texts(self, texts: Sequence[str]) -> list[Outcome]:
        """Return a vector for each text, without the secrets in it, or why it has none.

        Raises ModelError if the embedder fails for every text; EndpointMisconfigured if the settings do not reach the
        model, or if the database serves no space.
        """
        with self._lock:
            space, embedder, problem = self._space, self._embedder, self._problem
        if space is None or embedder is None:
            if space is None or problem is None:
                raise EndpointMisconfigured("the database serves no vectors: run `afterturn migrate`")
            raise _make_unreachable(space, problem)
        try:
            return isolation.embed_each(embedder, texts)
        except (SettingsError, MissingExtra) as error:
            raise _make_unreachable(space, error) from error

    def close(self) -> None:
        """Close the connections of the embedder. The next call opens new ones."""
        for embedder in self._opened:
            embedder.close()

    def _drop_expired(self) -> None:
        oldest = time.monotonic() - CACHED_SECONDS
        while self._vectors and next(iter(self._vectors.values()))[0] < oldest:
            self._vectors.popitem(last=False)


def _make_unreachable(space: EmbeddingSpace, problem: AfterturnError) -> EndpointMisconfigured:
    return EndpointMisconfigured(
        f"the vectors of the database are of {space.describe()}, which this process cannot reach: {problem}"
    )
