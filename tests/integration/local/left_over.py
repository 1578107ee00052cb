"""Looks for processes that a test has left behind."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path


def processes_in(directory: Path) -> list[str]:
    """Return the processes whose current directory is below `directory`, as "pid command line"."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if Path(os.readlink(process / "cwd")).is_relative_to(directory.resolve()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found.append(f"{process.name} {command}")
    return found


def wait_until_none(directory: Path, seconds: float = 60.0) -> list[str]:
    """Return the processes that still run below `directory` after at most `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := processes_in(directory)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found
