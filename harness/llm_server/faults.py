"""Faults that a test can inject: which fault, in which calls, how often."""

from __future__ import annotations

import random
import threading
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

#: Faults of the connection: close it, never answer, answer when the fault is cleared, send blanks without end, answer
#: late.
CONNECTION_FAULTS = ("refuse", "hang", "hold", "drip", "latency")

#: The connection fails in the middle of a valid reply: close it, send nothing more, or send comments without end.
HALFWAY_FAULTS = ("break", "stall", "ping")

#: Faults of the reply: an HTTP error, or status 200 with an invalid body.
REPLY_FAULTS = ("status", "context_length", "html", "gateway_error")

#: Faults of the model's answer in a valid reply. `stream_error` sends an error instead of the second half of a stream.
ANSWER_FAULTS = (
    "truncated_json",
    "wrong_schema",
    "prose",
    "fenced",
    "empty",
    "nul",
    "unknown_turns",
    "invented_quotes",
    "refusal",
    "length",
    "content_filter",
    "stream_error",
)

#: The vectors, in a healthy reply: of those inputs that contain `containing`, or of all.
VECTOR_FAULTS = ("nan", "no_vector", "other_dimension")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault."""

    #: One of the names above.
    what: str
    #: Which calls: a kind ("extract", "summarize", …), an endpoint ("chat", "embeddings"), or "*" for all.
    on: str = "*"
    #: Only calls whose body contains this text; empty: all.
    containing: str = ""
    #: The number of calls that it affects; None: until it is cleared.
    count: int | None = None
    #: The number of calls before the first affected one.
    after: int = 0
    #: The probability that it affects a call. It is deterministic: it depends on the call and its repetitions.
    probability: float = 1.0
    seed: int = 0
    #: The status of a `status` or `stream_error` fault.
    status: int = 503
    #: Value of the Retry-After header: seconds or a date.
    retry_after: str | None = None
    #: The message and code in the error object.
    message: str | None = None
    code: str | None = None
    #: The delay of a `latency` fault.
    seconds: float = 0.0

    def __post_init__(self) -> None:
        known = (*CONNECTION_FAULTS, *HALFWAY_FAULTS, *REPLY_FAULTS, *ANSWER_FAULTS, *VECTOR_FAULTS)
        if self.what not in known:
            raise ValueError(f"what must be one of {', '.join(known)}, not {self.what!r}")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        return cls(**{field.name: data[field.name] for field in fields(cls) if field.name in data})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class FaultBox:
    """The active faults. It can be changed while the server receives calls."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._repeats: Counter[int] = Counter()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self, what: str | None = None) -> None:
        """Clear all faults, or those with one name."""
        with self._lock:
            self._faults = [] if what is None else [fault for fault in self._faults if fault.what != what]

    def active(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def hitting(self, endpoint: str, kind: str, body: bytes) -> list[Fault]:
        """Return the faults of this call: all latencies and at most one other fault. It updates their counts."""
        with self._lock:
            if not self._faults:
                return []
            hits: list[Fault] = []
            for place, fault in enumerate(self._faults):
                if fault.on not in ("*", endpoint, kind) or fault.count == 0:
                    continue
                if fault.containing and fault.containing.encode() not in body:
                    continue
                if fault.what != "latency" and any(hit.what != "latency" for hit in hits):
                    continue
                if fault.after > 0:
                    self._faults[place] = replace(fault, after=fault.after - 1)
                elif self._affects(fault, body):
                    hits.append(fault)
                    if fault.count is not None:
                        self._faults[place] = replace(fault, count=fault.count - 1)
            self._faults = [fault for fault in self._faults if fault.count != 0]
            return hits

    def _affects(self, fault: Fault, body: bytes) -> bool:
        if fault.probability >= 1:
            return True
        # The random value depends on the call itself, not on the order of calls, which differs between runs.
        call = zlib.crc32(body, fault.seed)
        self._repeats[call] += 1
        return random.Random(f"{fault.seed}/{call}/{self._repeats[call]}").random() < fault.probability
