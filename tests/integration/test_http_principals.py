"""A principal with limited users and rights over HTTP. Errors reveal nothing about other users."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import api_shim.http
from afterturn import MemoryClient
from afterturn.principal import EveryUser, Principal, Right, UserPrefix
from api_shim.http.app import create_app
from api_shim.http.principal import authorize

#: A route of each kind: method, path below the user, body.
READS = (
    ("GET", "sessions/chat/turns", None),
    ("GET", "sessions/chat/memories", None),
    ("POST", "sessions/chat/recall", {"query": "Porto"}),
    ("POST", "sessions/chat/context", {"token_budget": 500}),
    ("GET", "sessions/chat/summary", None),
    ("GET", "sessions", None),
    ("GET", "episodes", None),
    ("GET", "profile", None),
    ("GET", "threads", None),
    ("GET", "preferences", None),
    ("GET", "state", None),
    ("GET", "facts", None),
    ("GET", "contradictions", None),
    ("GET", "facts/00000000-0000-0000-0000-000000000007/history", None),
    ("GET", "costs", None),
)
WRITES = (
    ("POST", "sessions/chat/turns", {"turns": [{"role": "user", "content": "I live in Porto."}], "agent_id": "bot"}),
    ("DELETE", "sessions/chat/turns/t-1", None),
    ("DELETE", "sessions/chat/turns", None),
    ("POST", "sessions/chat/close", None),
    ("POST", "sessions/chat/flush", None),
    ("PUT", "preferences/colour", {"value": "green"}),
    ("POST", "facts", {"facts": [{"text": "Ana lives in Porto."}]}),
    ("PATCH", "facts/00000000-0000-0000-0000-000000000007", {"pinned": True}),
    ("POST", "facts/00000000-0000-0000-0000-000000000007/keep", None),
    ("DELETE", "facts/00000000-0000-0000-0000-000000000007", None),
)
#: Calls for administrators, of documents, of locks, of uploads, of agents, and of no user: the matrix of credentials
#: and routes tests them.
ELSEWHERE = (
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/users",
    "/v1/dead-letters",
    "/v1/dead-letters/replay",
    "/v1/dead-letters/discard",
    "/v1/users/{user_id}/state/{key}",
    "/v1/users/{user_id}/locks/{name}",
    "/v1/users/{user_id}/imports",
    "/v1/users/{user_id}/imports/{import_id}",
    "/v1/users/{user_id}/export",
    "/v1/users/{user_id}/erasures",
    "/v1/users/{user_id}/erasures/{receipt_id}",
    "/v1/users/{user_id}/merges",
    "/v1/users/{user_id}/merges/{merge_id}",
    "/v1/agents/{agent_id}/run",
    "/v1/agents/{agent_id}/memories",
    "/v1/agents/{agent_id}/memories/batch",
    "/agents/{agent_id}/runs",
    "/memories",
)


@pytest.fixture
def client_of(settings):
    """Return a function that starts the app for a caller with these users and rights and returns an HTTP client."""
    opened = []

    def call(users, rights, tenant_id="default"):
        app = create_app(settings)
        app.dependency_overrides[authorize] = lambda: Principal(
            tenant_id=tenant_id, users=users, rights=frozenset(rights)
        )
        client = TestClient(app)
        opened.append(client)
        return client.__enter__()

    yield call
    for client in opened:
        client.__exit__(None, None, None)


def send_all(client, user_id, requests):
    return [client.request(method, f"/v1/users/{user_id}/{path}", json=body) for method, path, body in requests]


def test_every_route_is_in_one_of_the_lists(settings):
    """Add a new route to READS or WRITES; the tests below then check the right that it needs."""
    listed = {(method, path.count("/"), path.split("/")[0]) for method, path, _ in READS + WRITES}
    spec = create_app(settings).openapi()["paths"]
    served = {
        (method.upper(), path.removeprefix("/v1/users/{user_id}/").count("/"), path.split("/")[4])
        for path, methods in spec.items()
        if path not in ELSEWHERE
        for method in methods
    }
    assert served == listed
    assert sum(len(methods) for path, methods in spec.items() if path not in ELSEWHERE) == len(READS + WRITES)


def test_a_right_gives_access_only_to_its_own_routes(client_of, hot_store):
    reader, writer = client_of(EveryUser(), {Right.READ}), client_of(EveryUser(), {Right.WRITE})
    assert {answer.status_code for answer in send_all(reader, "ana", READS)} == {200}
    for answer in send_all(reader, "ana", WRITES):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert hot_store.dbsize() == 0
    # The last three are edits of a fact that Ana does not have.
    assert [answer.status_code for answer in send_all(writer, "ana", WRITES)] == [201, *([202] * 6), 404, 404, 404]
    for answer in send_all(writer, "ana", READS):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_answer_for_a_forbidden_user_is_the_same_whether_the_user_exists(client_of, settings, hot_store):
    MemoryClient("ana", "chat", settings=settings).write("user", "I live in Porto.", turn_id="t-1")
    before = hot_store.dbsize()
    caller = client_of(UserPrefix("acme-"), Right)
    existing, missing = send_all(caller, "ana", READS + WRITES), send_all(caller, "nobody", READS + WRITES)
    assert {answer.status_code for answer in existing} == {403}
    assert [answer.text for answer in existing] == [answer.text for answer in missing]
    assert hot_store.dbsize() == before
    assert {answer.status_code for answer in send_all(caller, "acme-ana", READS)} == {200}


def test_the_tenant_is_that_of_the_principal(client_of, settings, hot_store):
    acme, other = (client_of(EveryUser(), Right, tenant_id=tenant) for tenant in ("acme", "other"))
    written = {"turns": [{"role": "user", "content": "I live in Porto."}], "agent_id": "concierge"}
    assert acme.post("/v1/users/ana/sessions/chat/turns", json=written).status_code == 201
    assert other.get("/v1/users/ana/sessions/chat/turns").json()["turns"] == []
    [turn] = acme.get("/v1/users/ana/sessions/chat/turns").json()["turns"]
    assert (turn["content"], turn["agent_id"]) == ("I live in Porto.", "concierge")
    [stored] = MemoryClient("ana", "chat", tenant_id="acme", settings=settings).history()
    assert stored.turn_id == turn["turn_id"]


def test_no_route_creates_a_client_itself():
    sources = Path(api_shim.http.__path__[0]).rglob("*.py")
    assert [path.name for path in sources if "MemoryClient(" in path.read_text(encoding="utf-8")] == []
