"""The pipe to the guardian process: it makes child processes end when this process ends, for whatever reason.

Each Python process has one guardian process (see guardian.py), which learns from a pipe which process groups run. A
child writes its own group to the pipe before it executes its program, so that no child runs unknown to the guardian.
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
#: The script of the shell that starts a child. Standard input is the guardian's pipe. The shell writes its own process
#: id and then executes the program, which keeps this id.
REGISTER_AND_EXECUTE = 'echo "add $$ $1" >&0; shift; exec "$@" </dev/null'
#: The guardian gives the children 5 s.
EXIT_SECONDS = 10.0


class GuardianPipe:
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
    def descriptor(self) -> int:
        """The file descriptor of the pipe, which a child gets as its standard input."""
        assert self._guardian.stdin is not None
        return self._guardian.stdin.fileno()

    @property
    def is_usable(self) -> bool:
        """False when the guardian was killed, or in a fork of the process that started the guardian."""
        return self._owner == os.getpid() and self._guardian.poll() is None

    def add_child(self, child: subprocess.Popen[bytes]) -> None:
        """Remember a child, which has written its own group to the pipe, until `remove_group` is called."""
        self._children[child.pid] = child

    def remove_group(self, group: int) -> None:
        """Tell the guardian that a group has ended, so that it never signals another group with the same number."""
        self._children.pop(group, None)
        with contextlib.suppress(OSError):
            os.write(self.descriptor, f"drop {group}\n".encode())

    def close(self) -> None:
        """Let the guardian end all children that still run, and then end itself."""
        if self._owner != os.getpid():
            return
        assert self._guardian.stdin is not None
        with contextlib.suppress(OSError):
            self._guardian.stdin.close()
        deadline = time.monotonic() + EXIT_SECONDS
        while self._guardian.poll() is None and time.monotonic() < deadline:
            for child in self._children.values():
                child.poll()  # collects its exit status; otherwise the guardian sees a zombie process in the group
            time.sleep(0.01)


_lock = threading.Lock()
_pipe: GuardianPipe | None = None


def current_pipe() -> GuardianPipe:
    """Return the pipe of this process. The first call starts the guardian."""
    global _pipe
    with _lock:
        if _pipe is None or not _pipe.is_usable:
            _pipe = GuardianPipe()
            atexit.register(_pipe.close)
        return _pipe


def guarded_command(arguments: list[str], *, orphan_signal: int) -> list[str]:
    """Return the command that writes its group to the pipe and then executes `arguments`, with the same process id.

    Args:
        arguments: the program and its arguments.
        orphan_signal: the first signal that the guardian sends when this process dies.
    """
    return ["/bin/sh", "-c", REGISTER_AND_EXECUTE, "guarded", str(int(orphan_signal)), *arguments]
