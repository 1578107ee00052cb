"""Who uses a directory: an flock, which ends with the last process that holds it, whatever kills that process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from afterturn.errors import LocalServerError

RETRY_SECONDS = 0.1


@contextlib.contextmanager
def held(path: Path, what: str, *, wait_seconds: float = 0.0) -> Iterator[int]:
    """Hold the lock file `path` and yield its descriptor; a child that inherits it holds the lock as well.

    Raises LocalServerError, naming `what` and the process that took the lock, when it is not free within
    `wait_seconds`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, path, what, wait_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, what: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
                raise LocalServerError(
                    f"{what} already runs in {path.parent}, started by process {holder}; stop it, "
                    "or use another data directory"
                ) from None
            time.sleep(RETRY_SECONDS)
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
