"""The pipes through which child processes write to their logs.

Each Python process has one log writer (see log_writer.py), which starts with the first child.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

LOG_WRITER = Path(__file__).with_name("log_writer.py")
#: A larger log is renamed, and a new one is begun. With the older ones, a part of `afterturn up` has at most 16 MB.
LOG_LIMIT_BYTES = 4 * 1024 * 1024
#: How many older files of a log are kept.
KEPT_FILES = 3
#: How long to wait until the output of a child that has ended is written. Its own children may still run.
WRITTEN_SECONDS = 1.0
EXIT_SECONDS = 2.0


class LogPipe:
    """The output of one child."""

    def __init__(self, output: int, done: int) -> None:
        #: The descriptor that the child gets as its standard output. Close it in this process after the start.
        self.output = output
        self._done = done

    def wait_until_written(self) -> None:
        """Return when everything that the ended child has written is in its log, or after a second."""
        if self._done >= 0:
            select.select([self._done], [], [], WRITTEN_SECONDS)
            self.close()

    def close_output(self) -> None:
        """Close our end of what the child writes to."""
        os.close(self.output)

    def close(self) -> None:
        """Do not wait any more."""
        if self._done >= 0:
            os.close(self._done)
            self._done = -1

    def __del__(self) -> None:
        # The log of a stopped child may never be read.
        self.close()


class LogWriter:
    """One log writer process."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LOG_WRITER)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )

    @property
    def is_usable(self) -> bool:
        """False when it was killed, or in a fork of the process that started it."""
        return self._owner == os.getpid() and self._process.poll() is None

    def open_log(self, path: Path) -> LogPipe:
        """Return a pipe whose content is written to the log at `path`."""
        source, output = os.pipe()
        waited, done = os.pipe()
        try:
            message = os.fsencode(f"{path}\n{LOG_LIMIT_BYTES}\n{KEPT_FILES}")
            socket.send_fds(self._control, [message], [source, done])
        except BaseException:
            os.close(output)
            os.close(waited)
            raise
        finally:
            os.close(source)
            os.close(done)
        return LogPipe(output, waited)

    def close(self) -> None:
        """Let the writer end when all children have."""
        if self._owner == os.getpid():
            self._control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_SECONDS)


_lock = threading.Lock()
_writer: LogWriter | None = None


def current_writer() -> LogWriter:
    """Return the writer of this process. The first call starts it."""
    global _writer
    with _lock:
        if _writer is None or not _writer.is_usable:
            _writer = LogWriter()
            # Functions that are registered later run earlier: the guardian ends the children first.
            atexit.register(_writer.close)
        return _writer
