"""The received requests, in order."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

#: Headers that are not recorded, so that a recording contains no secrets.
_SECRET_HEADERS = ("authorization", "api-key", "cookie")


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request, and the faults that affected it."""

    number: int
    #: extract, summarize, …; embeddings; models.
    kind: str
    path: str
    #: Seconds since the epoch.
    at: float
    headers: Mapping[str, str]
    body: bytes
    #: The names of the faults.
    faults: tuple[str, ...]

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    def to_json(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "kind": self.kind,
            "path": self.path,
            "at": self.at,
            "headers": dict(self.headers),
            "json": self.json,
            "faults": list(self.faults),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RecordedRequest:
        body = b"" if data["json"] is None else json.dumps(data["json"]).encode()
        known = {name: data[name] for name in ("number", "kind", "path", "at", "headers")}
        return cls(body=body, faults=tuple(data["faults"]), **known)


class Recording:
    """The last requests, and the counts of all. It can be read while the server receives calls."""

    def __init__(self, *, keep: int, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._requests: deque[RecordedRequest] = deque(maxlen=keep)
        self._counts: Counter[str] = Counter()
        self._number = 0
        self._file: TextIO | None = None if file is None else file.open("a", encoding="utf-8")

    def add(self, kind: str, path: str, headers: Mapping[str, str], body: bytes, faults: tuple[str, ...]) -> None:
        shown = {name: value for name, value in headers.items() if name not in _SECRET_HEADERS}
        with self._lock:
            self._number += 1
            self._counts[kind] += 1
            request = RecordedRequest(self._number, kind, path, time.time(), shown, body, faults)
            self._requests.append(request)
            if self._file is not None:
                self._file.write(json.dumps(request.to_json(), ensure_ascii=False) + "\n")
                self._file.flush()

    def requests(self, kind: str | None = None, since: int = 0) -> list[RecordedRequest]:
        """Return the requests after number `since`, of one kind or of all kinds."""
        with self._lock:
            kept = list(self._requests)
        return [request for request in kept if request.number > since and kind in (None, request.kind)]

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count of something other than requests, such as tokens."""
        with self._lock:
            self._counts[name] += by

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def clear(self) -> None:
        with self._lock:
            self._requests.clear()
            self._counts.clear()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
