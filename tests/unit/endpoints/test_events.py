"""Server-sent events, however their bytes are cut up."""

import time

import pytest

from afterturn.endpoints.events import EventReader
from afterturn.errors import ModelUnavailable

BODY = (
    b': a comment\n\ndata: {"a": 1}\n\nevent: x\ndata:{"b":\ndata: 2}\nid: 7\n\n: ping\n\n'
    b'data: {"c": 3}\n\ndata: [DONE]\n\n'
)
EVENTS = [b'{"a": 1}', b'{"b":\n2}', b'{"c": 3}']


def read(body, size, content_type="text/event-stream; charset=utf-8"):
    reader = EventReader(content_type, timeout_seconds=60)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return [event for piece in pieces for event in reader.feed(piece)] + reader.finish()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 20, 1_000])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_however_the_bytes_come(size, line_end):
    assert read(BODY.replace(b"\n", line_end), size) == EVENTS


def test_an_event_that_no_blank_line_ends_counts_but_half_a_line_does_not():
    assert read(b'data: {"a": 1}\n\ndata: {"b": 2}\n', 5) == [b'{"a": 1}', b'{"b": 2}']
    assert read(b'data: {"a": 1}\n\ndata: {"b"', 5) == [b'{"a": 1}']
    assert read(b"", 5) == []


def test_a_body_that_is_no_stream_is_one_event():
    assert read(b'{"a":\n\n1}', 3, "application/json") == [b'{"a":\n\n1}']


def test_comments_are_silence(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    reader = EventReader("text/event-stream", timeout_seconds=10)
    for now in (9.0, 18.0, 27.0):
        clock[0] = now
        assert reader.feed(b"data: 1\n\n") == [b"1"]
    clock[0] = 36.0
    assert reader.feed(b": ping\n\n") == []
    clock[0] = 38.0
    with pytest.raises(ModelUnavailable, match="sent nothing for 10 s"):
        reader.feed(b": ping\n\n")
