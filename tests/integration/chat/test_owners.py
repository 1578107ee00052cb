"""Whose memory a chat uses: the credential first, then headers, then the body. Nobody gets another's."""

import json
import time

import httpx
import pytest

from afterturn import MemoryClient
from afterturn.access.caller import Caller
from afterturn.principal import EveryUser, Principal, Right, UserPrefix
from api_shim.chat import routes
from tests.integration.chat.conftest import wait_for_turns

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def principal(monkeypatch):
    """Set the principal of all callers."""

    def be(users, rights=tuple(Right), tenant_id="default"):
        async def authenticate(request):
            principal = Principal(tenant_id=tenant_id, users=users, rights=frozenset(rights))
            request.state.caller = Caller(principal=principal, kind="key", name="a key")
            request.state.principal = principal

        monkeypatch.setattr(routes, "authenticate", authenticate)

    return be


@pytest.fixture
def users_written(settings):
    """A function that returns which of these users have the turn."""

    def find(*users, session_id="s", tenant_id="default"):
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            clients = [MemoryClient(user, session_id, tenant_id=tenant_id, settings=settings) for user in users]
            found = [user for user, client in zip(users, clients, strict=True) if client.history()]
            if found:
                return found
            time.sleep(0.05)
        return []

    return find


USERS = ("default", "header", "metadata", "safety", "user", "webui", "ana")
NAMED = {"metadata": {"user_id": "metadata", "session_id": "s"}, "safety_identifier": "safety", "user": "user"}


@pytest.mark.parametrize(
    ("headers", "fields", "expected"),
    [
        ({"X-Afterturn-User": "header"}, NAMED, "header"),
        ({}, NAMED, "metadata"),
        ({}, NAMED | {"metadata": {"session_id": "s"}}, "safety"),
        ({}, {"metadata": {"session_id": "s"}, "user": "user"}, "user"),
        ({}, {"metadata": {"session_id": "s"}}, "default"),
        ({"X-OpenWebUI-User-Id": "webui"}, NAMED, "metadata"),
        ({}, {"metadata": {"session_id": "s", "user_id": 7}, "user": None, "safety_identifier": ""}, "default"),
    ],
)
def test_the_user_is_named_in_this_order(headers, fields, expected, http, users_written):
    answer = http.post("/chat/completions", json={"messages": HELLO} | fields, headers=headers)
    assert answer.headers["x-afterturn-session"] == "s"
    assert users_written(*USERS) == [expected]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "webui"),
        ({"X-Afterturn-User": "header", "X-Afterturn-Session": "s"}, "header"),
    ],
)
def test_headers_of_open_webui_count_where_a_setting_says_so(headers, expected, serve, endpoint, users_written):
    url = serve(chat_openwebui=True)
    webui = {"X-OpenWebUI-User-Id": "webui", "X-OpenWebUI-Chat-Id": "s", "X-OpenWebUI-User-Email": "a@b.c"}
    httpx.post(f"{url}/chat/completions", json={"messages": HELLO} | NAMED, headers=webui | headers)
    assert users_written(*USERS) == [expected]
    assert not any("openwebui" in name.lower() for name, _ in endpoint.requests[0].headers)
    task = [{"role": "user", "content": "### Task:\nGenerate a title."}]
    answer = httpx.post(f"{url}/chat/completions", json={"messages": task}, headers=webui)
    assert answer.headers["x-afterturn-memory"] == "off"


def test_ids_in_headers_are_utf8(http, users_written):
    headers = {"X-Afterturn-User": "zoë 猫".encode(), "X-Afterturn-Session": "ü".encode()}
    answer = http.post("/chat/completions", json={"messages": HELLO}, headers=headers)
    assert answer.headers["x-afterturn-session"] == "%C3%BC"
    assert users_written("zoë 猫", session_id="ü") == ["zoë 猫"]


def test_a_body_in_chunks(http, endpoint):
    body = b'{"messages":[{"role":"user","content":"Hello"}],"n":2.0}'
    assert http.post("/chat/completions", content=iter([body[:20], body[20:]])).status_code == 200
    assert endpoint.requests[0].body == body and endpoint.requests[0].header("transfer-encoding") is None


def test_a_user_that_cannot_be_one_has_no_memory(http, users_written, settings):
    for fields in ({"user": "x" * 300}, {"user": "a\x00b"}, {"safety_identifier": "\ud83d"}):
        body = json.dumps({"messages": HELLO, "metadata": {"session_id": "s"}} | fields)
        answer = http.post("/chat/completions", content=body)
        assert (answer.status_code, answer.headers["x-afterturn-memory"]) == (200, "no-user")


def test_with_a_key_a_chat_without_a_user_has_no_memory(serve):
    key = {"Authorization": "Bearer k"}
    answer = httpx.post(f"{serve(api_key='k')}/chat/completions", json={"messages": HELLO}, headers=key)
    assert (answer.status_code, answer.headers["x-afterturn-memory"]) == (200, "no-user")
    url = serve(api_key="k", chat_user="everybody")
    answer = httpx.post(f"{url}/chat/completions", json={"messages": HELLO}, headers=key)
    assert answer.headers["x-afterturn-memory"] == "on"


@pytest.mark.parametrize(
    ("users", "headers", "fields", "status"),
    [
        (frozenset({"ana"}), {}, {}, 200),
        (frozenset({"ana"}), {"X-Afterturn-User": "ana"}, {"user": "ben"}, 200),
        (frozenset({"ana"}), {"X-Afterturn-User": "ben"}, {}, 403),
        (frozenset({"ana"}), {}, {"user": "ben"}, 403),
        (frozenset({"ana"}), {}, {"metadata": {"user_id": "ben"}}, 403),
        (frozenset({"ana"}), {}, {"safety_identifier": "ben"}, 403),
        (frozenset({"ana"}), {"X-Afterturn-User": "ben", "X-Afterturn-Memory": "off"}, {}, 403),
        (frozenset({"ana", "eve"}), {}, {"user": "ana"}, 200),
        (frozenset({"ana", "eve"}), {}, {"user": "ben"}, 403),
        (UserPrefix("an"), {}, {"user": "ana"}, 200),
        (UserPrefix("an"), {}, {"user": "ben"}, 403),
    ],
)
def test_a_key_bound_to_users_refuses_others(users, headers, fields, status, principal, http, endpoint, users_written):
    principal(users)
    body = {"messages": HELLO, "metadata": {"session_id": "s"}} | fields
    answer = http.post("/chat/completions", json=body, headers=headers | {"X-Afterturn-Session": "s"})
    assert answer.status_code == status, answer.text
    if status == 403:
        assert answer.json()["error"]["code"] == "forbidden" and endpoint.requests == []
    else:
        assert users_written("ana", "ben", "eve", "default") == ["ana"]


@pytest.mark.parametrize(
    ("rights", "allowed"),
    [({Right.READ}, {"read", "off"}), ({Right.WRITE}, {"write", "off"}), ({Right.ADMIN}, {"off"})],
)
def test_a_mode_needs_its_rights(rights, allowed, principal, http):
    principal(EveryUser(), rights)
    for mode in ("on", "read", "write", "off"):
        headers = {"X-Afterturn-User": "ana", "X-Afterturn-Memory": mode}
        answer = http.post("/chat/completions", json={"messages": HELLO}, headers=headers)
        assert answer.status_code == (200 if mode in allowed else 403), mode


def test_users_and_tenants_are_separate(principal, http, endpoint, settings, pipeline):
    MemoryClient("ana", "x", tenant_id="acme", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    question = {"messages": [{"role": "user", "content": "Where do I live?"}], "user": "ana"}
    for tenant_id, user, is_known in (("acme", "ana", True), ("acme", "ben", False), ("other", "ana", False)):
        principal(EveryUser(), tenant_id=tenant_id)
        answer = http.post("/chat/completions", json=question | {"user": user}, headers={"X-Afterturn-Session": "s"})
        assert answer.headers["x-afterturn-memory"] == "on"
        assert (b"Porto" in endpoint.requests[-1].body) is is_known


def test_nothing_of_ours_reaches_the_endpoint(serve, endpoint):
    url = serve(api_key="our-secret", chat_upstream_key="their-key")
    headers = {
        "Authorization": "Bearer our-secret",
        "Cookie": "session=our-secret",
        "X-Afterturn-User": "ana",
        "x-afterturn-anything": "1",
        "X-Api-Key": "our-secret",
        "X-OpenWebUI-Chat-Id": "kept",
        "OpenAI-Beta": "assistants=v2",
        "User-Agent": "agent/1",
        "Accept-Encoding": "br, gzip;q=0.5, zstd",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
    }
    body = b'{"messages":[{"role":"user","content":"Hi"}]}'
    httpx.post(f"{url}/chat/completions?api-version=1&x=%20", content=body, headers=headers)
    received = endpoint.requests[0]
    assert received.line == "POST /v1/chat/completions?api-version=1&x=%20 HTTP/1.1"
    sent = {name.lower(): value for name, value in received.headers}
    assert sent == {
        "host": endpoint.base_url.split("/")[2],
        "accept": "*/*",
        "accept-encoding": "gzip;q=0.5",
        "authorization": "Bearer their-key",
        "content-length": str(len(received.body)),
        "openai-beta": "assistants=v2",
        "user-agent": "agent/1",
        "x-openwebui-chat-id": "kept",
    }
    assert b"our-secret" not in received.body


def test_the_credential_of_the_caller_where_a_setting_says_so(serve, endpoint):
    url = serve(chat_authorization="caller", chat_upstream_key="unused")
    httpx.post(f"{url}/chat/completions", json={"messages": HELLO}, headers={"Authorization": "Bearer theirs"})
    assert endpoint.requests[0].header("authorization") == "Bearer theirs"
    with pytest.raises(Exception, match="AFTERTURN_CHAT_AUTHORIZATION"):
        serve(chat_authorization="caller", api_key="k")


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"llm_api_key": "llm"}, None),
        ({"llm_api_key": "llm", "chat_upstream_key": "chat"}, "Bearer chat"),
        ({"llm_api_key": "llm", "chat_upstream_url": None}, "Bearer llm"),
    ],
)
def test_a_key_goes_only_where_it_belongs(given, key, serve, endpoint):
    url = serve(llm_base_url=endpoint.base_url, **given)
    httpx.post(f"{url}/chat/completions", json={"messages": HELLO}, headers={"Authorization": "Bearer mine"})
    assert endpoint.requests[0].header("authorization") == key


def test_what_is_remembered_for_a_tool_loop_is_exported_and_forgotten(
    http, endpoint, settings, pipeline, hot_store, command
):
    MemoryClient("ana", "x", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    question = {"messages": [{"role": "user", "content": "Where do I live?"}], "user": "ana"}
    http.post("/chat/completions", json=question, headers={"X-Afterturn-Session": "s"})
    memory = MemoryClient("ana", "s", settings=settings)
    assert len(wait_for_turns(memory, 2)) == 2
    [key] = hot_store.keys("at:*:shown:*")
    assert b"Porto" in b"".join(hot_store.hgetall(key).values())
    exported = command("export", "ana").out
    assert any('"key": "shown"' in line and "Porto" in line for line in exported.splitlines())
    assert command("forget", "ana", "--yes").code == 0
    assert hot_store.keys("at:*:shown:*") == []
