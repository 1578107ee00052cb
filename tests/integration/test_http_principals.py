"""What a limited caller may do over HTTP: its own users and rights, and nothing is told of anybody else."""

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
    ("GET", "profile", None),
    ("GET", "preferences", None),
    ("GET", "facts", None),
    ("GET", "facts/00000000-0000-0000-0000-000000000007/history", None),
    ("GET", "costs", None),
)
WRITES = (
    ("POST", "sessions/chat/turns", {"turns": [{"role": "user", "content": "I live in Porto."}], "agent_id": "bot"}),
    ("DELETE", "sessions/chat/turns/t-1", None),
    ("POST", "sessions/chat/flush", None),
    ("PUT", "preferences/colour", {"value": "green"}),
    ("POST", "facts", {"facts": [{"text": "Ana lives in Porto."}]}),
    ("PATCH", "facts/00000000-0000-0000-0000-000000000007", {"pinned": True}),
    ("DELETE", "facts/00000000-0000-0000-0000-000000000007", None),
)


@pytest.fixture
def called_by(settings):
    """Return a function: the app, for a caller with these users and rights."""
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


def answers(client, user_id, calls):
    return [client.request(method, f"/v1/users/{user_id}/{path}", json=body) for method, path, body in calls]


def test_every_route_is_one_of_these(settings):
    """A new route must be put into one of the two lists: what it needs is then checked below."""
    listed = {(method, path.count("/"), path.split("/")[0]) for method, path, _ in READS + WRITES}
    spec = create_app(settings).openapi()["paths"]
    served = {
        (method.upper(), path.removeprefix("/v1/users/{user_id}/").count("/"), path.split("/")[4])
        for path, methods in spec.items()
        if path != "/healthz"
        for method in methods
    }
    assert served == listed
    assert sum(len(methods) for path, methods in spec.items() if path != "/healthz") == len(READS + WRITES)


def test_a_right_opens_its_own_routes_and_no_others(called_by, hot_store):
    reader, writer = called_by(EveryUser(), {Right.READ}), called_by(EveryUser(), {Right.WRITE})
    assert {answer.status_code for answer in answers(reader, "ana", READS)} == {200}
    for answer in answers(reader, "ana", WRITES):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert hot_store.dbsize() == 0
    assert {answer.status_code for answer in answers(writer, "ana", WRITES)} <= {201, 202}
    for answer in answers(writer, "ana", READS):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_a_user_out_of_bounds_is_answered_alike_whether_there_is_one_or_not(called_by, settings, hot_store):
    MemoryClient("ana", "chat", settings=settings).write("user", "I live in Porto.", turn_id="t-1")
    before = hot_store.dbsize()
    caller = called_by(UserPrefix("acme-"), Right)
    there, nowhere = answers(caller, "ana", READS + WRITES), answers(caller, "nobody", READS + WRITES)
    assert {answer.status_code for answer in there} == {403}
    assert [answer.text for answer in there] == [answer.text for answer in nowhere]
    assert hot_store.dbsize() == before
    assert {answer.status_code for answer in answers(caller, "acme-ana", READS)} == {200}


def test_the_tenant_is_the_principals(called_by, settings, hot_store):
    acme, other = (called_by(EveryUser(), Right, tenant_id=tenant) for tenant in ("acme", "other"))
    written = {"turns": [{"role": "user", "content": "I live in Porto."}], "agent_id": "concierge"}
    assert acme.post("/v1/users/ana/sessions/chat/turns", json=written).status_code == 201
    assert other.get("/v1/users/ana/sessions/chat/turns").json() == {"turns": []}
    [turn] = acme.get("/v1/users/ana/sessions/chat/turns").json()["turns"]
    assert (turn["content"], turn["agent_id"]) == ("I live in Porto.", "concierge")
    [stored] = MemoryClient("ana", "chat", tenant_id="acme", settings=settings).history()
    assert stored.turn_id == turn["turn_id"]


def test_no_route_makes_a_client_by_itself():
    sources = Path(api_shim.http.__path__[0]).rglob("*.py")
    assert [path.name for path in sources if "MemoryClient(" in path.read_text(encoding="utf-8")] == []
