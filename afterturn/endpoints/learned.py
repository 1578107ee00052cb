"""What was learned about an endpoint: the form of request that it accepts. All workers share it, in Redis.

Whoever finds the form writes it down, so that no other process has to be refused as well. It expires, so that a new
release of the endpoint is tried with the full form again. If Redis is unavailable, each process learns for itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import redis
from pydantic import TypeAdapter, ValidationError

from afterturn.hot import keys

logger = logging.getLogger(__name__)

#: How long a form that worked is used. Longer: an endpoint that has learned to do more is asked for less than it can
#: do. Shorter: refused calls are made more often; they cost a round trip and no tokens.
LEARNED_SECONDS = 6 * 3_600
#: After all forms were refused, for so long only the first form is sent. Shorter: an endpoint that refuses everything
#: gets more calls. Longer: an endpoint that now accepts another form is used later.
NOTHING_WORKS_SECONDS = 300

#: So many unexplained refusals in a row make a process doubt a form that has worked: the endpoint may have changed.
#: Fewer: refused inputs cause calls in other forms. More: a changed endpoint is noticed later.
DOUBTFUL_REFUSALS = 3

#: proven: an answer came. nothing works: all forms were refused.
State = Literal["proven", "nothing works"]
Form = TypeVar("Form")


@dataclass(frozen=True, slots=True)
class Learned(Generic[Form]):
    """A form of request, and whether it works."""

    form: Form
    state: State | None = None

    @property
    def is_proven(self) -> bool:
        return self.state == "proven"


class Memory(Generic[Form]):
    """Remembers the form of request of one endpoint and model. Threads may share it."""

    def __init__(self, first: Form, *, kind: str, endpoint: tuple[str, ...], client: redis.Redis | None = None) -> None:
        """Prepare it; nothing is read.

        Args:
            first: the form to begin with, a dataclass.
            kind: llm or embedder.
            endpoint: what identifies the endpoint: URL, model, further parameters.
            client: Redis; None: what is learned stays in this process.
        """
        self._first = first
        self._type: TypeAdapter[Form] = TypeAdapter(type(first))
        digest = hashlib.sha256("\x00".join((*endpoint, repr(first))).encode()).hexdigest()
        self._key = keys.learned(kind, digest[:32])
        self._client = client
        self._lock = threading.Lock()
        #: Refusals without a cause since the last answer, of this process.
        self.unexplained = 0
        #: What this process has learned, and until when it is used.
        self._known: tuple[Learned[Form], float] = Learned(first), float("inf")
        self._last_read = Learned(first)

    def read(self) -> Learned[Form]:
        """Return the form to use: the shared one, or what this process has learned if Redis does not answer."""
        if self._client is not None:
            try:
                self._last_read = self._decode(self._client.get(self._key))
                return self._last_read
            except redis.RedisError as error:
                logger.warning("the stored form of requests to an endpoint cannot be read: %s", type(error).__name__)
        with self._lock:
            known, until = self._known
            self._last_read = known if time.monotonic() < until else Learned(self._first)
            return self._last_read

    def last_read(self) -> Learned[Form]:
        """Return what this process read last, without another command to Redis; at first, the form to begin with."""
        return self._last_read

    def write(self, form: Form, state: State) -> None:
        """Remember a form, for all workers."""
        seconds = LEARNED_SECONDS if state == "proven" else NOTHING_WORKS_SECONDS
        with self._lock:
            self._known = Learned(form, state), time.monotonic() + seconds
        if self._client is None:
            return
        try:
            value = json.dumps({"form": self._type.dump_python(form, mode="json"), "state": state})
            self._client.set(self._key, value, ex=seconds)
        except redis.RedisError as error:
            logger.warning("the form of requests to an endpoint cannot be stored: %s", type(error).__name__)

    def may_walk(self, learned: Learned[Form]) -> bool:
        """Count a refusal without a cause. Return whether to try other forms, because the form may be the cause."""
        self.unexplained += 1
        return learned.state is None or (learned.is_proven and self.unexplained > DOUBTFUL_REFUSALS)

    def _decode(self, value: Any) -> Learned[Form]:
        """Return what another worker has written. A form that is unknown to this release is ignored."""
        try:
            written = json.loads(value or "null")
            return Learned(self._type.validate_python(written["form"]), written["state"])
        except (ValueError, TypeError, KeyError, ValidationError):
            return Learned(self._first)
