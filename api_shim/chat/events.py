"""Server-sent events in a stream of bytes, as it arrives."""

from __future__ import annotations

from collections.abc import Iterator

#: The longest line that is read. Longer ones (inline images) go to the client as all bytes do, but are not read.
LINE_LIMIT_BYTES = 4_194_304


class EventReader:
    """Reads the data of events. Comments, other fields, and what follows a line that is too long are left out."""

    def __init__(self) -> None:
        #: The parts of a line whose end has not arrived.
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._data: list[bytes] = []
        self._is_too_long = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the data of each event that ends in this part of the stream."""
        if b"\n" not in chunk and b"\r" not in chunk:
            self._keep(chunk)
            return
        lines = (b"".join(self._rest) + chunk).splitlines(keepends=True)
        self._rest, self._rest_bytes = [], 0
        # The last line may continue, and so may a line end of two characters.
        if not lines[-1].endswith(b"\n"):
            self._keep(lines.pop())
        for line in lines:
            yield from self._read_line(line.rstrip(b"\r\n"))

    def _keep(self, part: bytes) -> None:
        self._rest.append(part)
        self._rest_bytes += len(part)
        if self._rest_bytes > LINE_LIMIT_BYTES:
            self._rest, self._rest_bytes, self._is_too_long = [], 0, True

    def finish(self) -> Iterator[bytes]:
        """Yield the data of an event that the end of the stream cuts off."""
        yield from self._read_line(b"".join(self._rest).rstrip(b"\r\n"))
        yield from self._read_line(b"")

    def _read_line(self, line: bytes) -> Iterator[bytes]:
        if self._is_too_long:
            # This is the end of the long line.
            self._is_too_long = False
        elif line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            data, self._data = self._data, []
            yield b"\n".join(data)
