"""The leash on our child processes: they end when we do, however we end.

One guardian process per Python process (see guardian.py) reads from a pipe which groups are alive. Each child enters
itself there before it becomes the program, so that there is no moment at which a child is not on the leash.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

GUARDIAN = Path(__file__).with_name("guardian.py")
#: Standard input is the guardian's pipe. The shell enters its own pid and then becomes the program, which keeps it.
ENTER_AND_BECOME = 'echo "add $$ $1" >&0; shift; exec "$@" </dev/null'
#: The guardian gives the children 5 s.
EXIT_SECONDS = 10.0


class Leash:
    """The pipe to one guardian process."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARDIAN), str(self._owner)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    @property
    def pipe(self) -> int:
        """What a child gets as its standard input, to enter itself."""
        assert self._guardian.stdin is not None
        return self._guardian.stdin.fileno()

    @property
    def holds(self) -> bool:
        """False when the guardian was killed, or when we are a fork of the process that it guards."""
        return self._owner == os.getpid() and self._guardian.poll() is None

    def hold(self, child: subprocess.Popen[bytes]) -> None:
        """Remember a child that has entered itself, until it is dropped."""
        self._children[child.pid] = child

    def drop(self, group: int) -> None:
        """Tell the guardian that a group has ended, so that it never signals a stranger with the same number."""
        self._children.pop(group, None)
        with contextlib.suppress(OSError):
            os.write(self.pipe, f"drop {group}\n".encode())

    def close(self) -> None:
        """Let the guardian end what is still running, and end itself."""
        if self._owner != os.getpid():
            return
        assert self._guardian.stdin is not None
        with contextlib.suppress(OSError):
            self._guardian.stdin.close()
        deadline = time.monotonic() + EXIT_SECONDS
        while self._guardian.poll() is None and time.monotonic() < deadline:
            for child in self._children.values():
                child.poll()  # or what has ended would still be there, as our zombie
            time.sleep(0.01)


_lock = threading.Lock()
_leash: Leash | None = None


def current() -> Leash:
    """Return this process's leash; the first call starts the guardian."""
    global _leash
    with _lock:
        if _leash is None or not _leash.holds:
            _leash = Leash()
            atexit.register(_leash.close)
        return _leash


def command(arguments: list[str], *, orphan_signal: int) -> list[str]:
    """Return the command that enters the leash and then becomes `arguments`, with the same pid."""
    return ["/bin/sh", "-c", ENTER_AND_BECOME, "leash", str(int(orphan_signal)), *arguments]
