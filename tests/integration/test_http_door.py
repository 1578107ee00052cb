"""What reaches the HTTP API and must not: large and slow bodies, other hosts, forged paths, unknown parameters."""

import http.client
import json
import logging
import socket
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from fastapi.testclient import TestClient

from afterturn import MemoryClient
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from api_shim.http import problems
from api_shim.http.app import create_app
from api_shim.http.bodies import BodyLimits
from harness.chaos.lane import settings_with

BASE = "/v1/users/ana/sessions/chat"
NOBODY = UUID(int=7)
KEY = "s3cret"


@pytest.fixture(scope="module")
def guarded_process(redis_server, login_url, tmp_path_factory):
    """The API with a key and a small limit, in a process of its own: its address and its log; one for all tests."""
    addresses = {"redis_url": redis_server.url, "postgres_url": login_url}
    limits = {"api_port": 0, "api_key": KEY, "api_body_limit_bytes": 10_000, "turn_limit_bytes": 5_000}
    guarded = settings_with(**addresses, **limits)
    directory = tmp_path_factory.mktemp("guarded")
    with Stack(guarded, data_dir=directory, commands=COMMANDS, names=("api",)) as stack:
        yield stack.address("api"), directory / "logs" / "api.log"


@pytest.fixture
def guarded_api(settings, hot_store, guarded_process):
    """The same, behind which everything is empty."""
    return guarded_process


def connect(address):
    parts = httpx.URL(address)
    return socket.create_connection((parts.host, parts.port), timeout=60)


def answer_to(opened):
    """Return status, headers and the problem document that a connection answers with."""
    response = http.client.HTTPResponse(opened)
    response.begin()
    return response.status, response.headers, json.loads(response.read())


def is_problem(answer, status, code):
    document = answer.json()
    assert (answer.status_code, document["code"], document["status"]) == (status, code, status), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["type"] == "about:blank" and document["title"]
    assert document["detail"] == document["message"] != ""
    return True


@pytest.mark.parametrize("key", [KEY, "wrong"])
def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(guarded_api, key):
    address, _ = guarded_api
    with connect(address) as opened:
        opened.sendall(
            f"POST {BASE}/turns HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 600000000\r\n\r\n".encode()
        )
        status, headers, document = answer_to(opened)
    assert (status, document["code"], headers["connection"]) == (413, "body_too_large", "close")
    assert "AFTERTURN_API_BODY_LIMIT_BYTES" in document["detail"]


def test_a_body_that_announces_nothing_is_read_up_to_the_limit(guarded_api):
    address, _ = guarded_api

    def chunks(count):
        yield b'{"turns": [{"role": "user", "content": "hello", "metadata": {"pad": "'
        yield from (b"x" * 1_000 for _ in range(count))
        yield b'"}}]}'

    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with httpx.Client(base_url=address, timeout=60, headers=headers) as client:
        assert client.post(f"{BASE}/turns", content=chunks(3)).status_code == 201
        assert is_problem(client.post(f"{BASE}/turns", content=chunks(60_000)), 413, "body_too_large")
        assert client.post(f"{BASE}/turns", content=b"x" * 60_000_000).status_code == 413
        assert client.get("/healthz").status_code == 200


def test_the_caller_is_known_before_the_body_is_read(guarded_api):
    address, _ = guarded_api
    for length in ("Content-Length: 5000", "Transfer-Encoding: chunked"):
        with connect(address) as opened:
            opened.sendall(
                f"POST {BASE}/turns HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"{length}\r\n\r\n".encode()
            )
            status, headers, document = answer_to(opened)
            assert (status, document["code"], headers["connection"]) == (401, "unauthorized", "close")


def test_a_request_that_never_ends_is_closed(guarded_api):
    """Neither its headers nor, as a server without a deadline would, its next request are waited for for ever."""
    address, _ = guarded_api
    with connect(address) as opened:
        opened.settimeout(30)
        opened.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        assert opened.recv(1_000) == b""


def test_a_slow_body_times_out():
    async def read_body(scope, receive, send):
        while (await receive()).get("more_body"):
            pass

    async def answer_with(scope, receive, send):
        try:
            await read_body(scope, receive, send)
        except problems.HTTPException as error:
            await problems.make_response(error.status_code, error.detail)(scope, receive, send)

    async def call():
        async def trickle():
            await asyncio.sleep(0.05)
            return {"type": "http.request", "body": b"x", "more_body": True}

        async def note(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"content-length", b"1000")]}
        await BodyLimits(answer_with, limit_bytes=2_000, seconds=0.3)(scope, trickle, note)

    import asyncio

    sent: list[dict] = []
    asyncio.run(call())
    assert (sent[0]["status"], (b"connection", b"close") in sent[0]["headers"]) == (408, True)


def test_a_large_body_is_not_larger_than_its_answer(api):
    """A thousand wrong turns are not a thousand lines of problems."""
    turns = [{"role": ["canary"], "content": "canary", "memories_shown": 7}] * 1_000
    answer = api.post(f"{BASE}/turns", json={"turns": turns})
    assert is_problem(answer, 422, "invalid_input")
    assert len(answer.text) < 5_000 and "canary" not in answer.text
    many = {"role": "user", "content": "hello"} | {f"canary{number}": 1 for number in range(200_000)}
    answer = api.post(f"{BASE}/turns", json={"turns": [many]})
    assert is_problem(answer, 422, "invalid_input") and len(answer.text) < 1_000
    names = {"x" * 100_000: 1}
    assert len(api.post(f"{BASE}/recall", json={"query": "x"} | names).text) < 2_000


IDS = ["a/b", "...", "%2F", "a%2Fb", "?x=1", "#", "ä/ö", "a b", "a+b", ":", "x/sessions/y", "*", "\\", "%"]


@pytest.mark.parametrize("name", IDS)
def test_ids_of_any_characters_name_the_same_thing_in_each_door(api, settings, pipeline, name):
    encoded = quote(name, safe="")
    path = f"/v1/users/{encoded}/sessions/{encoded}"
    turn = {"role": "user", "content": "I live in Porto.", "name": "Ana", "turn_id": name}
    assert api.post(f"{path}/turns", json={"turns": [turn]}).status_code == 201
    memory = MemoryClient(name, name, settings=settings)
    assert [written.turn_id for written in memory.history()] == [name]
    for route in ("turns", "memories", "summary"):
        assert api.get(f"{path}/{route}").status_code == 200
    assert api.put(f"/v1/users/{encoded}/preferences/{encoded}", json={"value": "green"}).status_code in (202, 422)
    assert api.get(f"/v1/users/{encoded}/facts").status_code == 200
    assert api.delete(f"{path}/turns/{encoded}").status_code == 202
    assert memory.history() == []


def test_a_path_inside_an_id_reaches_nobody_else(api, settings, hot_store):
    victim = MemoryClient("victim", "s", settings=settings)
    victim.write("user", "Mine.", turn_id="x")
    for forged in (
        "/v1/users/victim%2Fsessions%2Fs%2Fturns%2Fx/sessions/t/turns/z",
        "/v1/users/a/sessions/b%2F..%2F..%2Fvictim%2Fsessions%2Fs/turns/x",
        "/v1/users/%2e%2e%2fvictim/sessions/s/turns/x",
    ):
        assert api.delete(forged).status_code == 202
    for unknown in ("/v1/users/victim%2Fsessions%2Fs/turns/x", "/v1%2Fusers/victim/sessions/s/turns/x"):
        assert is_problem(api.delete(unknown), 404, "not_found")
    assert [turn.content for turn in victim.history()] == ["Mine."]
    assert is_problem(api.get("/v1/users/%FF/sessions/s/turns"), 422, "invalid_id")
    assert is_problem(api.get("/v1/users/%00/sessions/s/turns"), 422, "invalid_id")


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("localhost", True),
        ("LOCALHOST:8600", True),
        ("127.0.0.1:8600", True),
        ("127.0.0.2", True),
        ("[::1]:8600", True),
        ("localhost.", True),
        ("evil.example", False),
        ("evil.example:8600", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("localhost@evil.example", False),
        ("10.0.0.7", False),
        ("evil", False),
        ("[::ffff:7f00:1", False),
        ("", False),
    ],
)
def test_an_api_without_a_key_answers_only_to_names_of_this_machine(api, host, allowed):
    """Else a web page could point its own name at this machine, and read what is remembered (DNS rebinding)."""
    for path in ("/healthz", f"{BASE}/turns", "/openapi.json"):
        answer = api.get(path, headers={"Host": host})
        assert answer.status_code == 200 if allowed else is_problem(answer, 421, "host_not_allowed")


def test_pages_of_others_may_not_write(api, hot_store):
    for origin in ("https://evil.example", "null"):
        answer = api.post(f"{BASE}/flush", headers={"Origin": origin})
        assert is_problem(answer, 403, "origin_not_allowed")
    assert hot_store.dbsize() == 0
    assert api.get(f"{BASE}/turns", headers={"Origin": "http://localhost:3000"}).status_code == 200


@pytest.mark.parametrize(
    ("changed", "allowed", "refused"),
    [
        ({"api_key": KEY}, ["api.example.com", "anything"], []),
        ({"api_key": KEY, "api_allowed_hosts": "Api.example.com"}, ["api.example.com:443", "localhost"], ["evil.com"]),
        ({"api_allowed_hosts": "a.example, b.example"}, ["a.example", "b.example"], ["c.example", "a.example.evil"]),
        ({"api_allowed_hosts": "*"}, ["evil.example"], []),
        ({"api_host": "127.0.0.1"}, ["127.0.0.1"], ["api.example.com"]),
    ],
)
def test_the_allowed_hosts_are_a_setting(settings, hot_store, changed, allowed, refused):
    given = type(settings)(**settings.model_dump(exclude_unset=True) | changed)
    with TestClient(create_app(given)) as client:
        for host in allowed:
            assert client.get("/healthz", headers={"Host": host}).status_code == 200
        for host in refused:
            assert client.get("/healthz", headers={"Host": host}).status_code == 421


def every_call(app):
    """Yield method, path and a body for each call of the API."""
    bodies = {
        "/turns": {"turns": [{"role": "user", "content": "Hello"}]},
        "/recall": {"query": "Porto"},
        "/context": {"token_budget": 500},
        "/preferences/{key}": {"value": "green"},
        "/facts": {"facts": [{"text": "Ana lives in Porto."}]},
        "/facts/{fact_id}": {"pinned": True},
    }
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            body = next((body for end, body in bodies.items() if path.endswith(end)), None)
            filled = path.replace("{fact_id}", str(NOBODY)).replace("{", "").replace("}", "")
            yield method.upper(), filled, body if method in ("post", "put", "patch") else None


def test_unknown_query_parameters_are_refused_by_every_call(settings, hot_store):
    app = create_app(settings)
    with TestClient(app) as client:
        for method, path, body in every_call(app):
            answer = client.request(method, path, params={"limitt": "5"}, json=body)
            assert is_problem(answer, 422, "invalid_input")
            assert "limitt" in answer.text, path
        answer = client.get(f"{BASE}/memories", params={"Where does Ana live": "canary"})
        assert "canary" not in answer.text and "Where" not in answer.text
        for known in ({"query": "x", "limit": 3, "kinds": ["fact", "turn"], "explain": True}, {}):
            assert client.get(f"{BASE}/memories", params=known).status_code == 200
        assert client.get("/v1/users/ana/facts", params={"subject": "Ana", "limit": 3}).status_code == 200
    assert hot_store.dbsize() == 0


def test_every_error_is_a_problem_document(api, settings, hot_store):
    assert is_problem(api.get("/nothing"), 404, "not_found")
    assert is_problem(api.get(f"{BASE}/turns/"), 404, "not_found")
    assert is_problem(api.get("/v1/users//sessions/chat/turns"), 404, "not_found")
    for method, path in (("PUT", f"{BASE}/turns"), ("GET", f"{BASE}/flush"), ("DELETE", "/healthz")):
        answer = api.request(method, path)
        assert is_problem(answer, 405, "method_not_allowed") and answer.headers["allow"]
    json_headers = {"Content-Type": "application/json"}
    for body in (b"{", b"", b"[]", b"null", b'{"turns": [{"role": "user", "content": "a", "metadata": {"x": NaN}}]}'):
        answer = api.post(f"{BASE}/turns", content=body, headers=json_headers)
        assert is_problem(answer, 422, "invalid_input")
    for body in (b"\xff\xfe", b"[" * 100_000, b'{"turns": ' + b"9" * 5_000 + b"}"):
        answer = api.post(f"{BASE}/turns", content=body, headers=json_headers)
        assert answer.status_code in (400, 422) and is_problem(answer, answer.status_code, answer.json()["code"])
    assert is_problem(api.post(f"{BASE}/turns", content=b"hello"), 422, "invalid_input")
    away = type(settings)(**settings.model_dump(exclude_unset=True) | {"redis_url": "redis://127.0.0.1:1/0"})
    with TestClient(create_app(away)) as client:
        assert is_problem(client.get(f"{BASE}/turns"), 503, "memory_unavailable")


def test_an_unexpected_error_is_a_problem_document_without_details(settings):
    app = create_app(settings)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("canary")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/broken")
    assert is_problem(answer, 500, "internal_error") and "canary" not in answer.text


def test_what_is_no_http_gets_a_problem_document(guarded_api):
    address, _ = guarded_api
    with connect(address) as opened:
        opened.sendall(b"canary canary\r\n\r\n")
        status, headers, document = answer_to(opened)
    assert (status, document["code"]) == (400, "bad_request")
    assert headers["content-type"] == "application/problem+json"


def test_the_access_log_holds_no_content(guarded_api):
    address, log = guarded_api
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=address, timeout=60, headers=headers) as client:
        client.get(f"{BASE}/memories", params={"query": "canary question"})
        client.get(f"{BASE}/memories?query=canary&limitt=1")
        client.get("/v1/users/ana/facts", params={"subject": "canary"})
        client.put("/v1/users/ana/preferences/canary", json={"value": "canary"})
        client.post(f"{BASE}/recall", json={"query": "canary"})
        client.post(f"{BASE}/turns", json={"turns": [{"role": "user", "content": "canary"}]})
        client.get("/v1/users/ana/nothing?canary")
        client.get(f"{BASE}/turns", params={"limit": 7})
    written = log.read_text()
    assert f"GET {BASE}/memories " in written and "/v1/users/ana/preferences/" in written
    assert "canary" not in written and "limit=7" not in written


def test_an_access_log_of_another_form_is_left_alone():
    create_app(settings=None)
    logger = logging.getLogger("uvicorn.access")
    for arguments in ((), ("a",), ({"a": 1},)):
        record = logger.makeRecord("uvicorn.access", logging.INFO, "", 0, "message", arguments, None)
        assert logger.filter(record)


@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"text": "Ana lives in Braga."}), ("PATCH", {"pinned": True}), ("DELETE", None)]
)
def test_an_edit_of_a_fact_that_the_user_does_not_have_is_not_acknowledged(api, settings, pipeline, method, body):
    ours = MemoryClient("ana", settings=settings)
    others = MemoryClient("ben", settings=settings).add_fact("Ben lives in Porto.")
    pipeline.settle()
    for fact_id in (NOBODY, others):
        answer = api.request(method, f"/v1/users/ana/facts/{fact_id}", json=body)
        assert is_problem(answer, 404, "not_found")
    assert not pipeline.sweep()["archive"]
    # A fact that was just added is known at each moment until it is applied, and after it has ended.
    pending = ours.add_facts([{"text": "Ana has a cat."}, {"text": "Ana has a dog."}])
    assert api.request(method, f"/v1/users/ana/facts/{pending[1]}", json=body).status_code == 202
    archived = ours.add_fact("Ana has a bird.")
    pipeline.sweep()
    pipeline.step()
    assert api.request(method, f"/v1/users/ana/facts/{archived}", json=body).status_code == 202
    pipeline.settle()
    for fact_id in (*pending, archived):
        assert api.request(method, f"/v1/users/ana/facts/{fact_id}", json=body).status_code == 202
