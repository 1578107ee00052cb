"""The body of a streamed answer, as it comes: server-sent events, without the HTTP.

The SDK's own reader does not look at the clock while an endpoint sends nothing but comments to keep a connection alive,
which no read timeout ends. So the bytes are read here.
"""

from __future__ import annotations

import time

from afterturn.errors import ModelUnavailable

#: The data of an OpenAI-compatible endpoint's last event.
_END = b"[DONE]"


class EventReader:
    """Takes the bytes of a body and gives the data of its events; a body that is no event stream is one event."""

    def __init__(self, content_type: str, *, timeout_seconds: float) -> None:
        """`timeout_seconds`: for how long nothing but blanks and comments may come."""
        self._is_stream = content_type.partition(";")[0].strip().lower() == "text/event-stream"
        self._timeout_seconds = timeout_seconds
        self._heard_at = time.monotonic()
        self._unread = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that end in this piece. Raises ModelUnavailable after too long a silence."""
        self._unread += chunk
        events = self._events() if self._is_stream else []
        if events:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > self._timeout_seconds:
            raise ModelUnavailable(f"the endpoint sent nothing for {self._timeout_seconds:g} s")
        return events

    def finish(self) -> list[bytes]:
        """Return what is left at the end of the body: an event that no blank line ended, or a body in one piece.

        Half a line is left out: the endpoint hung up in the middle of it.
        """
        if not self._is_stream:
            return [self._unread]
        self._unread = b"\n"
        return self._events()

    def _events(self) -> list[bytes]:
        *lines, self._unread = self._unread.split(b"\n")
        events = []
        for line in lines:
            field, _, value = line.rstrip(b"\r").partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
            elif not field and not value and self._data:
                events.append(b"\n".join(self._data))
                self._data = []
        return [event for event in events if event != _END]
