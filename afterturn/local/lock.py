"""Locks on directories: an flock, which the kernel releases when the last process that holds it has ended."""

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
def hold_lock(path: Path, name: str, *, wait_seconds: float = 0.0) -> Iterator[int]:
    """Hold a lock file and yield its file descriptor. A child process that inherits it holds the lock as well.

    Args:
        path: the lock file.
        name: the program that takes the lock, for the error message.
        wait_seconds: how long to wait for the lock.

    Raises LocalServerError, which names the process that holds the lock, when it is not free in time.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, path, name, wait_seconds)
        yield descriptor
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path, name: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
                raise LocalServerError(
                    f"{name} already runs in {path.parent}, started by process {holder}; stop it, "
                    "or use another data directory"
                ) from None
            time.sleep(RETRY_SECONDS)
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
