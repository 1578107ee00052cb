"""A copy of the endpoint's answer, read beside the bytes that go to the client: what of it becomes turns.

Of several choices it is the first: the next request shows which one the client took. Of a stream that broke, it is what
was delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from api_shim.chat import content_coding, json_spans
from api_shim.chat.body import Conversation
from api_shim.chat.chat_stream import ChatStream
from api_shim.chat.events import EventReader
from api_shim.chat.response_stream import ResponseStream

#: The largest answer that is read. Of a larger one the memory has the beginning, or nothing if it is one JSON text.
ANSWER_LIMIT_BYTES = 33_554_432

_STREAMS: dict[Conversation, type[ChatStream] | type[ResponseStream]] = {
    "messages": ChatStream,
    "input": ResponseStream,
}


class Stream(Protocol):
    """The messages in the events of a stream, or in a whole answer."""

    def add(self, event: Mapping[str, Any]) -> None: ...

    def add_whole(self, answer: Mapping[str, Any]) -> None: ...

    def messages(self) -> list[dict[str, Any]]: ...

    @property
    def answer_id(self) -> str | None: ...


class AnswerCopy:
    """Reads an answer part by part. Nothing in it raises an error: an answer that cannot be read has no messages."""

    def __init__(self, conversation: Conversation, content_type: str, content_encoding: str) -> None:
        self._decoder = content_coding.make_decoder(content_encoding)
        self._stream: Stream = _STREAMS[conversation]()
        self._events = EventReader() if content_type.lower().startswith("text/event-stream") else None
        self._whole = bytearray()
        self._size = 0
        self._is_done = False

    def feed(self, chunk: bytes) -> None:
        """Read a part of the body."""
        if self._decoder is None or self._size > ANSWER_LIMIT_BYTES:
            return
        try:
            decoded = self._decoder.decompress(chunk)
        except Exception:  # zlib.error, and what a decoder raises after its end
            self._decoder = None
            return
        self._size += len(decoded)
        if self._events is None:
            self._whole += decoded
        else:
            for data in self._events.feed(decoded):
                self._add_event(data)

    def messages(self) -> list[dict[str, Any]]:
        """Return the messages, or items, of the answer as it was delivered so far."""
        if self._events is not None:
            for data in self._events.finish():
                self._add_event(data)
        elif self._size <= ANSWER_LIMIT_BYTES and isinstance(answer := _decode(bytes(self._whole)), dict):
            self._stream.add_whole(answer)
        return self._stream.messages()

    @property
    def answer_id(self) -> str | None:
        """The id of the answer."""
        return self._stream.answer_id

    def _add_event(self, data: bytes) -> None:
        if self._is_done:
            return
        if data.strip() == b"[DONE]":
            self._is_done = True
        elif isinstance(event := _decode(data), dict):
            self._stream.add(event)


def _decode(text: bytes) -> Any:
    try:
        return json_spans.decode(text.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return None
