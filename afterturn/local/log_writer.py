"""The log writer: a process that writes the output of child processes to log files, and rotates these by size.

It runs as `python -I -S log_writer.py`. Its standard input is a socket. Each message on it hands over one child: the
read end of the child's output and a pipe to close at its end as descriptors, and as text the path of the log, the size
of a file in bytes, and the number of older files to keep, in lines.

A child writes to a pipe, so that its log can be rotated without its help and without losing a line. The writer is a
process of its own: if the parent is stopped or dies, a child never blocks, and all its output is written.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket

READ_BYTES = 65_536
MESSAGE_BYTES = 8_192


class Log:
    """The log of one child."""

    def __init__(self, source: int, done: int, path: str, limit_bytes: int, kept_files: int) -> None:
        """Open the file. `source` is what the child writes to, `done` is closed when all of it is written."""
        self.source = source
        self._done = done
        self._path = path
        self._limit_bytes = limit_bytes
        self._kept_files = kept_files
        self._file = -1
        self._size = 0
        self._open()

    def write_next(self) -> bool:
        """Write what the child has written. Return False at its end."""
        chunk = os.read(self.source, READ_BYTES)
        # On a full disk nothing is written, and the child goes on.
        with contextlib.suppress(OSError):
            self._write(chunk)
        return bool(chunk)

    def _write(self, chunk: bytes) -> None:
        if self._file < 0:
            self._open()
        while end := self._end_of_file(chunk):
            self._append(chunk[:end])
            self._rotate()
            chunk = chunk[end:]
        self._append(chunk)

    def _end_of_file(self, chunk: bytes) -> int:
        """Return how many bytes of a chunk the file gets before it is full; 0 if it gets all and is not full."""
        room = max(0, self._limit_bytes - self._size)
        if len(chunk) < room:
            return 0
        # Between two lines, unless one is endless.
        end = chunk.rfind(b"\n", 0, room) + 1 or chunk.find(b"\n") + 1
        return len(chunk) if not end and self._size + len(chunk) >= 2 * self._limit_bytes else end

    def _append(self, chunk: bytes) -> None:
        written = 0
        while written < len(chunk):
            written += os.write(self._file, chunk[written:])
        self._size += len(chunk)

    def _rotate(self) -> None:
        """Rename the files: log to log.1, log.1 to log.2, and so on. The oldest is replaced."""
        for number in range(self._kept_files, 0, -1):
            newer = self._path if number == 1 else f"{self._path}.{number - 1}"
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, f"{self._path}.{number}")
        os.close(self._file)
        self._file = -1
        self._open()

    def _open(self) -> None:
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self._size = os.fstat(self._file).st_size

    def close(self) -> None:
        """Close all, and so tell that everything is written."""
        for descriptor in (self.source, self._file, self._done):
            if descriptor >= 0:
                os.close(descriptor)


def main() -> None:
    """Write logs until the parent has ended and all children have."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    control = socket.socket(fileno=0)
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    while selector.get_map():
        for key, _ in selector.select():
            if key.data is None:
                log = receive_log(control)
                if log is None:
                    selector.unregister(control)
                else:
                    selector.register(log.source, selectors.EVENT_READ, log)
            elif not key.data.write_next():
                selector.unregister(key.data.source)
                key.data.close()


def receive_log(control: socket.socket) -> Log | None:
    """Return the log of the next child; None when the parent has ended."""
    message, descriptors, _, _ = socket.recv_fds(control, MESSAGE_BYTES, 2)
    if not message:
        return None
    path, limit_bytes, kept_files = os.fsdecode(message).rsplit("\n", 2)
    source, done = descriptors
    return Log(source, done, path, int(limit_bytes), int(kept_files))


if __name__ == "__main__":
    main()
