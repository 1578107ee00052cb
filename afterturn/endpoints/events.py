"""Parse the body of a streamed answer: server-sent events, without HTTP.

Some endpoints send only comments for minutes to keep a connection alive. No read timeout ends that, and the SDK's
reader does not check the time. So this module parses the bytes itself.
"""

from __future__ import annotations

import time

from afterturn.errors import ModelUnavailable

#: The data of the last event of an OpenAI-compatible endpoint.
_END = b"[DONE]"


class EventReader:
    """Converts the bytes of a body into the data of its events. A body that is no event stream is one event."""

    def __init__(self, content_type: str, *, timeout_seconds: float) -> None:
        """`timeout_seconds`: the longest time without an event, whatever blanks and comments arrive."""
        self._is_stream = content_type.partition(";")[0].strip().lower() == "text/event-stream"
        self._timeout_seconds = timeout_seconds
        self._heard_at = time.monotonic()
        self._unread = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the data of the events that end in this chunk. Raises ModelUnavailable after the timeout."""
        self._unread += chunk
        events = self._events() if self._is_stream else []
        if events:
            self._heard_at = time.monotonic()
        elif time.monotonic() - self._heard_at > self._timeout_seconds:
            raise ModelUnavailable(f"the endpoint sent nothing for {self._timeout_seconds:g} s")
        return events

    def finish(self) -> list[bytes]:
        """Return the rest at the end of the body: an event without a final blank line, or a whole body without events.

        An incomplete last line is dropped: the endpoint closed the connection within it.
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
