"""What an endpoint answers arrives as it would without afterturn: status, headers, bytes, and where it breaks off."""

import gzip
import http.client
import json
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.integration.chat.conftest import chunk, http_answer, stream_head, whole_answer

BODY = b'{"model":"m","messages":[{"role":"user","content":"Hello"}]}'
#: Headers that afterturn adds, or that belong to its connection. docs/how-to/chat.md lists them.
OURS = {"x-afterturn-memory", "x-afterturn-memories", "x-afterturn-session", "date", "connection", "transfer-encoding"}
DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":12345678901234567890,"completion_tokens":2.0}}\n\n'
RATE_LIMIT = b'{"error":{"message":"slow down","type":"tokens","param":null,"code":"rate_limit_exceeded"}}'


def chunked(*parts):
    sizes = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + sizes


def answer_of(*bodies, **options):
    return [http_answer(b"".join(bodies), **options)]


CALLS = [
    {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}]},
    *({"tool_calls": [{"index": 0, "function": {"arguments": part}}]} for part in ('{"ci', 'ty": "Por', 'to"}')),
]
ODD = [
    *(b'{"choices":[{"index":0,"message":{"role":"assistant","content":"\\ud83d"}}]}', b'{"a":2.0,"a":1E400}'),
    *(b'{"choices":[]}', b"[]", b"null", b"", b" ", b"not json", b'{"choices":', b"\xff\xfe\x00", b"\xef\xbb\xbf{}"),
    b'{"choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":"hm"},"logprobs":{"x":1}}]}',
    b'{"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}],"n":2}',
    b'{"choices":[{"message":{"content":[{"type":"text","text":"hi"},{"type":"image_url"}]}}]}',
    b'{"choices":{"a":1},"usage":null}',
    b'{"choices":[{"index":0,"message":"text"}, 7, null]}',
    b'{"n":' + b"9" * 5_000 + b"}",
    b"[" * 100_000,
    json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x" * 1_000_000}}]}).encode(),
]
STREAMS = {
    "usage with no choices": [stream_head(), chunk({"content": "Hi"}), USAGE, DONE],
    "tool calls over many chunks": [stream_head(), *map(chunk, CALLS), DONE],
    "several choices": [stream_head(), chunk({"content": "a"}), chunk({"content": "b"}, index=1), DONE],
    "reasoning": [stream_head(), chunk({"reasoning_content": "hm", "reasoning": "hm"}), chunk({"content": "a"}), DONE],
    "comments": [stream_head(), b": ping\n\n", 0.05, b": OPENROUTER PROCESSING\n\n", chunk({"content": "a"}), DONE],
    "line ends of two characters": [
        stream_head(),
        chunk({"content": "a"}).replace(b"\n", b"\r\n"),
        b"data: [DONE]\r\n\r\n",
    ],
    "old line ends": [stream_head(), chunk({"content": "a"}).replace(b"\n", b"\r"), b"data: [DONE]\r\r"],
    "a line end in two parts": [stream_head(), chunk({"content": "a"})[:-2] + b"\r", 0.02, b"\n\r\n", DONE],
    "one byte at a time": [stream_head(), *(bytes([byte]) for byte in chunk({"content": "a"}) + DONE)],
    "other fields": [stream_head(), b"event: x\nid: 1\nretry: 5\n" + chunk({"content": "a"}), DONE],
    "no blank after the colon": [
        stream_head(),
        b'data:{"choices":[{"delta":{"content":"a"}}]}\n\n',
        b"data:[DONE]\n\n",
    ],
    "more after the end": [stream_head(), chunk({"content": "a"}), DONE, b": bye\n\n", chunk({"content": "b"}), b"x"],
    "no end": [stream_head(), chunk({"content": "a"})],
    "not json": [stream_head(), b"data: {{{\n\n", b"data: 7\n\n", b"data: null\n\n", chunk({"content": "a"}), DONE],
    "a lone surrogate": [stream_head(), b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n', DONE],
    "half a character": [
        stream_head(),
        b'data: {"choices":[{"delta":{"content":"\xf0\x9f',
        0.02,
        b'\x98\x80"}}]}\n\n',
        DONE,
    ],
    "an error in the stream": [stream_head(), chunk({"content": "a"}), b'data: {"error":{"message":"overloaded"}}\n\n'],
    "an event that is an error": [stream_head(), b'event: error\ndata: {"error":{"code":500}}\n\n'],
    "chunks": [chunked(chunk({"content": "a"}), DONE), b"0\r\n\r\n"],
    "trailers": [chunked(DONE), b"0\r\nX-Trailer: 1\r\n\r\n"],
    "a slow first byte": [0.4, stream_head(), 0.3, chunk({"content": "a"}), DONE],
    "an image": [stream_head(), chunk({"images": [{"image_url": {"url": "data:" + "x" * 500_000}}]}), DONE],
    "logprobs": [stream_head(), chunk({"content": "a"}, logprobs={"content": [{"token": "a", "logprob": -0.0}]}), DONE],
    "nothing": [stream_head()],
    "a stream with a length": answer_of(chunk({"content": "a"}), DONE, kind="text/event-stream; charset=utf-8"),
    "compressed": [http_answer(gzip.compress(chunk({"content": "a"}) + DONE), "200 OK", "content-encoding: gzip")],
}
ANSWERS = {
    "too many requests": [
        http_answer(
            RATE_LIMIT,
            "429 Too Many Requests",
            "Retry-After: 7",
            "x-ratelimit-remaining-requests: 0",
            "x-ratelimit-reset-tokens: 6m0s",
            "x-request-id: req_1",
            "retry-after-ms: 7000",
        )
    ],
    "a bad request": [http_answer(b'{"error":{"message":"no"}}', "400 Bad Request")],
    "unauthorized": [http_answer(b"{}", "401 Unauthorized", 'WWW-Authenticate: Bearer realm="x"')],
    "a page instead of json": [http_answer(b"<html>502</html>", "502 Bad Gateway", kind="text/html")],
    "overloaded": [http_answer(b"{}", "529 Site is overloaded", "X-Should-Retry: true")],
    "an empty error": [http_answer(b"", "500 Internal Server Error")],
    "a redirect": [http_answer(b"", "307 Temporary Redirect", "Location: https://example.com/v1/chat/completions")],
    "a permanent redirect": [http_answer(b"moved", "308 Permanent Redirect", "Location: /elsewhere")],
    "no content": [b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"],
    "accepted": [http_answer(b"{}", "202 Accepted")],
    "repeated headers": [
        http_answer(b"{}", "200 OK", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Odd: \xe9", "OpenAI-Version: 1")
    ],
    "headers of the connection": [
        http_answer(b"{}", "200 OK", "Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: 5")
    ],
    "a server of its own": [http_answer(b"{}", "200 OK", "Server: cloudflare", "CF-Ray: 1", "Via: 1.1 x")],
    "without a kind": [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"],
    "an old server": [b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{}"],
    "a problem document": [http_answer(b'{"detail":"x"}', "422 Unprocessable Entity", kind="application/problem+json")],
    **{f"odd json {number}": [http_answer(body)] for number, body in enumerate(ODD)},
}
BROKEN = {
    "a stream": [chunked(chunk({"content": "a"}))],
    "in a chunk": [chunked(chunk({"content": "a"})) + b"100\r\nab"],
    "a whole answer": [http_answer(b'{"choices":[]}' + b" " * 100)[:-50]],
    "after its head": [b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n"],
}


def call(base_url, body=BODY, headers=(), method="POST", path="/chat/completions"):
    """Call a server with no library between that repairs what it gets: status, headers, body, whether it is whole."""
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request(method, url.path + path, body, {"content-type": "application/json"} | dict(headers))
    response = connection.getresponse()
    try:
        content, is_whole = response.read(), True
    except (http.client.IncompleteRead, ConnectionError) as error:
        content, is_whole = getattr(error, "partial", b""), False
    kept = sorted((name.lower(), value) for name, value in response.getheaders() if name.lower() not in OURS)
    connection.close()
    return response.status, kept, content, is_whole


@pytest.mark.parametrize("name", [*STREAMS, *ANSWERS])
def test_an_answer_arrives_as_it_was_sent(name, base_url, endpoint):
    endpoint.answer(*(STREAMS | ANSWERS)[name])
    direct, through = call(endpoint.base_url), call(base_url)
    hop = [("keep-alive", "5"), ("x-hop", "1")]
    assert through == (direct[0], [header for header in direct[1] if header not in hop], *direct[2:])
    assert direct[3]
    assert [each.line for each in endpoint.requests] == ["POST /v1/chat/completions HTTP/1.1"] * 2


@pytest.mark.parametrize("name", BROKEN)
def test_an_answer_that_breaks_off_breaks_off(name, base_url, endpoint):
    endpoint.answer(*BROKEN[name])
    direct, through = call(endpoint.base_url), call(base_url)
    assert (through[:2], through[3]) == (direct[:2], False)
    # http.client leaves out a chunk that is not whole; afterturn passes it on.
    assert through[2].startswith(direct[2])
    assert direct[3] is False and len(endpoint.requests) == 2


def test_hints_before_an_answer_are_left_out(base_url, endpoint):
    endpoint.answer(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", whole_answer())
    status, _, content, is_whole = call(base_url)
    assert (status, is_whole) == (200, True) and whole_answer().endswith(content)


def test_parts_of_a_stream_arrive_when_they_are_sent(base_url, endpoint):
    is_read = threading.Event()
    endpoint.answer(stream_head(), chunk({"content": "a"}), is_read, chunk({"content": "b"}), DONE)
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    connection.request("POST", "/v1/chat/completions", BODY)
    response = connection.getresponse()
    assert response.read1() == chunk({"content": "a"}), "before the endpoint sends the second part"
    is_read.set()
    assert response.read() == chunk({"content": "b"}) + DONE
    connection.close()


@pytest.mark.parametrize(
    "steps", [[0.0, 120.0], [stream_head(), chunk({"content": "a"}), 120.0]], ids=["before", "within"]
)
def test_a_client_that_leaves_ends_the_call(steps, base_url, endpoint):
    endpoint.answer(*steps)
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname, url.port)) as opened:
        opened.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY
        )
        if len(steps) > 2:
            opened.recv(10_000)
        while not endpoint.requests:
            time.sleep(0.02)
    # Otherwise the endpoint would send for 120 s.
    assert endpoint.requests[0].done.wait(60)
    assert endpoint.requests[0].is_left
    assert len(endpoint.requests) == 1


def error_of(answer):
    status, headers, content, _ = answer
    document = json.loads(content)["error"]
    assert set(document) == {"message", "type", "param", "code"} and dict(headers)["content-type"] == "application/json"
    return status, document["code"]


def test_own_errors_have_the_form_of_openai(serve, endpoint):
    base_url = serve(api_key="secret", api_body_limit_bytes=10_000, chat_timeout_seconds=0.3)
    key = {"authorization": "Bearer secret"}
    assert error_of(call(base_url)) == (401, "unauthorized")
    assert error_of(call(base_url, headers={"authorization": "Bearer wrong"})) == (401, "unauthorized")
    assert error_of(call(base_url, body=b"x" * 20_000, headers=key)) == (413, "body_too_large")
    assert error_of(call(base_url, method="PUT", headers=key)) == (405, "method_not_allowed")
    assert error_of(call(base_url, headers=key | {"X-Afterturn-Memory": "sometimes"})) == (400, "invalid_input")
    assert error_of(call(base_url, headers=key | {"X-Afterturn-User": "\x7f"})) == (400, "invalid_id")
    assert error_of(call(base_url, headers=key | {"X-Afterturn-Session": "~edits"})) == (400, "invalid_id")
    assert error_of(call(base_url, path="/models/x/y/z", method="DELETE", headers=key)) == (405, "method_not_allowed")
    assert endpoint.requests == []
    endpoint.answer(5.0)
    assert error_of(call(base_url, headers=key)) == (504, "upstream_timeout")
    endpoint.answer()
    assert error_of(call(base_url, headers=key)) == (502, "upstream_unavailable")
    endpoint.answer(b"HTTP/1.1 799 What\r\ncontent-length: 0\r\n\r\n")
    assert error_of(call(base_url, headers=key)) == (502, "upstream_invalid")
    assert len(endpoint.requests) == 3
    without = serve(chat_upstream_url=None)
    assert error_of(call(without)) == (503, "upstream_not_configured")
    nowhere = serve(chat_upstream_url="http://127.0.0.1:9/v1")
    assert error_of(call(nowhere)) == (502, "upstream_unavailable")


@pytest.mark.parametrize("path", ["/models", "/models/org%2Fmodel", "/models/org/model", "/models?after=x&limit=2"])
def test_models_are_passed_on(path, base_url, endpoint):
    endpoint.answer(http_answer(b'{"object":"list","data":[]}'))
    direct, through = (call(url, body=None, method="GET", path=path) for url in (endpoint.base_url, base_url))
    assert through == direct
    assert [each.line for each in endpoint.requests] == [f"GET /v1{path} HTTP/1.1"] * 2
    assert endpoint.requests[0].body == endpoint.requests[1].body == b""
