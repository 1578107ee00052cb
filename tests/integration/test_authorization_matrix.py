"""Every route of the API with every kind of credential. A route that is not in the matrix fails the test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from fastapi.testclient import TestClient

from afterturn import MemoryClient
from afterturn.access import access_log, key_text, keys
from afterturn.access.wrong_credentials import WrongCredentials
from afterturn.database import pool
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, Right, UserPrefix
from api_shim.http.app import create_app

NO_FACT = str(UUID(int=7))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """A route's right, its answer to a caller who has it, and a valid body. Ids of facts and turns are unknown ones."""

    right: Right
    status: int = 200
    body: Any = None
    #: JSON Lines instead of `body`.
    lines: str | None = None
    query: dict[str, str] = dataclasses.field(default_factory=dict)
    #: Whether it is about a whole tenant: it needs a credential for all users.
    is_of_tenant: bool = False
    #: Whether it needs the right to read besides.
    also_reads: bool = False


#: Add each new route here, or to PUBLIC with the reason why strangers may call it.
MATRIX = {
    ("POST", "/v1/users/{user_id}/sessions/{session_id}/turns"): Call(
        right=Right.WRITE, status=201, body={"turns": [{"role": "user", "content": "Hello", "turn_id": "t-9"}]}
    ),
    ("GET", "/v1/users/{user_id}/sessions/{session_id}/turns"): Call(right=Right.READ),
    ("DELETE", "/v1/users/{user_id}/sessions/{session_id}/turns/{turn_id}"): Call(right=Right.WRITE, status=202),
    ("GET", "/v1/users/{user_id}/sessions/{session_id}/memories"): Call(right=Right.READ),
    ("POST", "/v1/users/{user_id}/sessions/{session_id}/recall"): Call(right=Right.READ, body={"query": "Porto"}),
    ("POST", "/v1/users/{user_id}/sessions/{session_id}/context"): Call(right=Right.READ, body={"token_budget": 500}),
    ("POST", "/v1/users/{user_id}/sessions/{session_id}/flush"): Call(right=Right.WRITE, status=202),
    ("GET", "/v1/users/{user_id}/sessions/{session_id}/summary"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/profile"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/threads"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/preferences"): Call(right=Right.READ),
    ("PUT", "/v1/users/{user_id}/preferences/{key}"): Call(right=Right.WRITE, status=202, body={"value": "green"}),
    ("GET", "/v1/users/{user_id}/state"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/state/{key}"): Call(right=Right.READ, status=404),
    ("PUT", "/v1/users/{user_id}/state/{key}"): Call(right=Right.WRITE, body={"value": 1}, query={"expected": "0"}),
    ("DELETE", "/v1/users/{user_id}/state/{key}"): Call(right=Right.WRITE, status=412, query={"expected": "7"}),
    ("POST", "/v1/users/{user_id}/locks/{name}"): Call(right=Right.WRITE, body={"lease_seconds": 0.01}),
    ("PUT", "/v1/users/{user_id}/locks/{name}"): Call(right=Right.WRITE, status=409, body={"fence": 7_000_000}),
    ("DELETE", "/v1/users/{user_id}/locks/{name}"): Call(right=Right.WRITE, status=409, query={"fence": "7000000"}),
    ("GET", "/v1/users/{user_id}/facts"): Call(right=Right.READ),
    ("POST", "/v1/users/{user_id}/facts"): Call(
        right=Right.WRITE, status=202, body={"facts": [{"text": "Ana has a cat."}]}
    ),
    ("POST", "/v1/users/{user_id}/facts/{fact_id}/keep"): Call(right=Right.WRITE, status=404),
    ("GET", "/v1/users/{user_id}/contradictions"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/facts/{fact_id}/history"): Call(right=Right.READ),
    ("PATCH", "/v1/users/{user_id}/facts/{fact_id}"): Call(right=Right.WRITE, status=404, body={"pinned": True}),
    ("DELETE", "/v1/users/{user_id}/facts/{fact_id}"): Call(right=Right.WRITE, status=404),
    ("GET", "/v1/users/{user_id}/costs"): Call(right=Right.READ),
    ("DELETE", "/v1/users/{user_id}/sessions/{session_id}/turns"): Call(right=Right.WRITE, status=202),
    ("POST", "/v1/users/{user_id}/sessions/{session_id}/close"): Call(right=Right.WRITE, status=202),
    ("GET", "/v1/users/{user_id}/sessions"): Call(right=Right.READ),
    ("GET", "/v1/users/{user_id}/episodes"): Call(right=Right.READ),
    ("POST", "/v1/users/{user_id}/imports"): Call(right=Right.WRITE, status=202, lines=""),
    ("GET", "/v1/users/{user_id}/imports/{import_id}"): Call(right=Right.READ, status=404),
    ("GET", "/v1/users/{user_id}/export"): Call(right=Right.ADMIN),
    ("POST", "/v1/users/{user_id}/erasures"): Call(right=Right.ADMIN, status=202),
    ("GET", "/v1/users/{user_id}/erasures/{receipt_id}"): Call(right=Right.ADMIN, status=404),
    # The user is merged into itself, which no credential may do.
    ("POST", "/v1/users/{user_id}/merges"): Call(right=Right.ADMIN, status=409, body={"source": "ana"}),
    ("GET", "/v1/users/{user_id}/merges/{merge_id}"): Call(right=Right.ADMIN, status=404),
    ("GET", "/v1/users"): Call(right=Right.ADMIN, is_of_tenant=True),
    ("GET", "/v1/dead-letters"): Call(right=Right.ADMIN, is_of_tenant=True),
    ("POST", "/v1/dead-letters/replay"): Call(
        right=Right.ADMIN, status=422, body={"dead_ids": [NO_FACT]}, is_of_tenant=True
    ),
    ("POST", "/v1/dead-letters/discard"): Call(
        right=Right.ADMIN, status=422, body={"dead_ids": [NO_FACT]}, is_of_tenant=True
    ),
    ("GET", "/metrics"): Call(right=Right.ADMIN, is_of_tenant=True),
    # No model is configured here, which is seen after the credential is checked.
    ("POST", "/v1/agents/{agent_id}/run"): Call(
        right=Right.WRITE, also_reads=True, status=503, body={"message": "Where do I live?"}
    ),
    ("POST", "/agents/{agent_id}/runs"): Call(
        right=Right.WRITE, also_reads=True, status=503, body={"message": "Where do I live?"}
    ),
    ("GET", "/v1/agents/{agent_id}/memories"): Call(right=Right.READ),
    ("GET", "/memories"): Call(right=Right.READ),
    ("POST", "/v1/agents/{agent_id}/memories"): Call(right=Right.WRITE, status=202, body={"memory": "Ana has a cat."}),
    ("POST", "/v1/agents/{agent_id}/memories/batch"): Call(
        right=Right.WRITE, status=202, body={"memories": [{"memory": "Ana has a cat."}]}
    ),
    ("POST", "/memories"): Call(right=Right.WRITE, body={"memory": "Ana has a cat."}),
}
#: Routes that have the user in the query, or in the body, instead of the path.
AGENTS = {route for route in MATRIX if route[1] == "/memories" or "{agent_id}" in route[1]}
#: Whether the servers work, and what the API is like. No user's data.
PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/redoc"),
}
#: They answer in the form of OpenAI's API. Whose memory they use is tested in chat/test_owners.py.
CHAT = {
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model_id}"),
}
#: Credentials with which nothing is answered but 401.
INVALID = ("none", "wrong", "malformed", "revoked", "expired", "rotated away")
#: Credential -> the rights that it has for Ana.
VALID: dict[str, frozenset[Right]] = {
    "all": ALL_RIGHTS,
    "read-only": frozenset({Right.READ}),
    "write-only": frozenset({Right.WRITE}),
    "admin-only": frozenset({Right.ADMIN}),
    "bound to Ana": ALL_RIGHTS,
    "bound to Ana and Eve": ALL_RIGHTS,
    "bound to the prefix an": ALL_RIGHTS,
    "bound to Ben": frozenset(),
    "bound to the prefix ben": frozenset(),
    # It has all rights in its own tenant, in which Ana has no memory.
    "of another tenant": ALL_RIGHTS,
}
#: The credentials that are for all users of a tenant.
FOR_ALL_USERS = {"all", "read-only", "write-only", "admin-only", "of another tenant"}
TENANT = "default"


def may(name: str, route: tuple[str, str]) -> bool:
    """Return whether a credential may call a route for Ana."""
    one, rights = MATRIX[route], VALID[name]
    has_rights = one.right in rights and (Right.READ in rights or not one.also_reads)
    return has_rights and (name in FOR_ALL_USERS or not one.is_of_tenant)


def routes_of(router: Any) -> Iterator[tuple[str, str]]:
    """Yield method and path of each route, also of routes that the OpenAPI document does not show."""
    for route in router:
        nested = getattr(route, "effective_candidates", None)
        if nested is not None:
            yield from routes_of(nested())
        elif hasattr(route, "routes"):
            yield from routes_of(route.routes)
        else:
            for method in sorted(route.methods - {"HEAD"}):
                yield method, getattr(route, "path_format", route.path)


@pytest.fixture
def credential(settings) -> dict[str, str | None]:
    """One of each kind, by name."""

    def make(users, rights=ALL_RIGHTS, tenant=TENANT):
        principal = Principal(tenant_id=tenant, users=users, rights=frozenset(rights))
        return keys.create(connection, principal, actor=actor)

    actor = access_log.make_system_actor()
    with pool.worker_connection(settings) as connection:
        revoked, expired, rotated = (make(EveryUser()) for _ in range(3))
        keys.revoke(connection, str(revoked.row.key_id), actor=actor)
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE key_id = %s", (expired.row.key_id,))
        keys.rotate(connection, str(rotated.row.key_id), actor=actor, grace_seconds=0)
        return {
            "none": None,
            "wrong": key_text.make_key(),
            "malformed": "x",
            "revoked": revoked.text,
            "expired": expired.text,
            "rotated away": rotated.text,
            "all": make(EveryUser()).text,
            "read-only": make(EveryUser(), {Right.READ}).text,
            "write-only": make(EveryUser(), {Right.WRITE}).text,
            "admin-only": make(EveryUser(), {Right.ADMIN}).text,
            "bound to Ana": make(frozenset({"ana"})).text,
            "bound to Ana and Eve": make(frozenset({"ana", "eve"})).text,
            "bound to the prefix an": make(UserPrefix("an")).text,
            "bound to Ben": make(frozenset({"ben"})).text,
            "bound to the prefix ben": make(UserPrefix("ben")).text,
            "of another tenant": make(EveryUser(), tenant="acme").text,
        }


@pytest.fixture
def call(settings, credential) -> Iterator[Callable[..., httpx.Response]]:
    """Return a function that calls a route of the matrix with a credential, for a user."""
    with TestClient(create_app(settings)) as client:

        def send(name: str, method: str, path: str, user: str = "ana", **ids: str) -> httpx.Response:
            values = {"session_id": "chat", "turn_id": "t-unknown", "fact_id": NO_FACT, "key": "colour", "name": "plan"}
            values |= {
                "agent_id": "concierge",
                "import_id": "0" * 32,
                "receipt_id": f"{'0' * 16}-1",
                "merge_id": NO_FACT,
                "model_id": "m",
            } | ids
            filled = path.format(**{key: quote(value, safe="") for key, value in ({"user_id": user} | values).items()})
            token = credential[name]
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            # The limit of wrong credentials has tests of its own.
            client.app.state.wrong_credentials = WrongCredentials()
            one = MATRIX.get((method, path), Call(right=Right.WRITE))
            named = {"user_id": user} if (method, path) in AGENTS else {}
            body = one.body if one.body is None or not named else one.body | named
            query = one.query | (named if method == "GET" else {})
            return client.request(method, filled, params=query, json=body, content=one.lines, headers=headers)

        yield send


@pytest.fixture
def remembered(settings, pipeline) -> None:
    """Ana and Ben are known, with turns and facts."""
    for user_id, city in (("ana", "Porto"), ("ben", "Rome")):
        memory = MemoryClient(user_id, "chat", settings=settings)
        memory.write("user", f"My name is {user_id.title()}. I live in {city}.", turn_id=f"t-{user_id}")
    pipeline.settle()


def written(hot_store) -> list[tuple[bytes, bytes]]:
    """Return all that was written and not archived."""
    names = [name for pattern in ("pending", "hidden") for name in hot_store.keys(f"at:*:{pattern}:*")]
    return [(name, hot_store.dump(name)) for name in sorted(names)]


def test_every_route_is_in_the_matrix(settings):
    assert set(routes_of(create_app(settings).routes)) == MATRIX.keys() | PUBLIC | CHAT


@pytest.mark.parametrize("name", INVALID)
def test_without_a_valid_credential_nothing_is_answered(call, remembered, hot_store, name):
    before = written(hot_store)
    answers = {route: call(name, *route) for route in MATRIX}
    assert {route: answer.status_code for route, answer in answers.items()} == dict.fromkeys(MATRIX, 401)
    assert {answer.json()["code"] for answer in answers.values()} == {"unauthorized"}
    assert {answer.headers["www-authenticate"] for answer in answers.values()} == {'Bearer realm="afterturn"'}
    assert [call(name, *route, user="nobody").text for route in MATRIX] == [a.text for a in answers.values()]
    assert written(hot_store) == before


@pytest.mark.parametrize("name", INVALID)
def test_without_a_valid_credential_no_chat_is_answered(call, name):
    answers = [call(name, *route) for route in sorted(CHAT)]
    assert [answer.status_code for answer in answers] == [401] * len(CHAT)
    assert {answer.json()["error"]["code"] for answer in answers} == {"unauthorized"}


def test_an_old_key_is_answered_like_one_that_never_existed(call):
    route = next(iter(MATRIX))
    assert len({call(name, *route).text for name in INVALID if name != "none"}) == 1


@pytest.mark.parametrize("name", VALID)
def test_a_credential_gives_access_to_the_routes_of_its_rights_and_users(call, remembered, name):
    expected = {route: one.status if may(name, route) else 403 for route, one in MATRIX.items()}
    assert {route: call(name, *route).status_code for route in MATRIX} == expected


@pytest.mark.parametrize("name", ["bound to Ben", "bound to the prefix ben", "read-only", "write-only", "admin-only"])
def test_what_is_refused_is_refused_alike_whether_the_user_exists(call, remembered, hot_store, name):
    refused = [route for route in MATRIX if not may(name, route)]
    before = written(hot_store)
    existing, missing = ([call(name, *route, user=user) for route in refused] for user in ("ana", "nobody"))
    assert {answer.status_code for answer in existing} == {403}
    assert [answer.text for answer in existing] == [answer.text for answer in missing]
    assert [sorted(answer.headers) for answer in existing] == [sorted(answer.headers) for answer in missing]
    assert not any("Porto" in answer.text for answer in existing)
    assert written(hot_store) == before


def test_another_tenant_finds_nothing_and_changes_nothing(call, remembered, settings):
    for route in sorted(MATRIX, key=lambda route: MATRIX[route].right):  # what is read, then what is written
        answer = call("of another tenant", *route)
        if MATRIX[route].right is Right.READ:
            assert answer.text == call("of another tenant", *route, user="nobody").text
        assert "Porto" not in answer.text
    [turn] = MemoryClient("ana", "chat", settings=settings).history()
    assert turn.content.endswith("Porto.")


def test_ids_of_others_answer_as_if_they_did_not_exist(call, remembered, database, settings):
    fact_id = str(database.execute("SELECT fact_id FROM facts WHERE text LIKE '%Rome%'").fetchone()[0])
    for route in MATRIX:
        if "{fact_id}" in route[1]:
            theirs = call("bound to Ana", *route, fact_id=fact_id)
            assert (theirs.status_code, theirs.text) == (
                (missing := call("bound to Ana", *route)).status_code,
                missing.text,
            )
        if "{turn_id}" in route[1]:
            theirs = call("bound to Ana", *route, turn_id="t-ben")
            assert (theirs.status_code, theirs.text) == (202, "")
    [turn] = MemoryClient("ben", "chat", settings=settings).history()
    assert turn.turn_id == "t-ben"
    # The same ids answer to Ben.
    history = ("GET", "/v1/users/{user_id}/facts/{fact_id}/history")
    assert "Rome" in call("bound to Ben", *history, user="ben", fact_id=fact_id).text


@pytest.mark.parametrize(
    "user",
    [
        "ana/../ben",
        "ben/",
        "../ben",
        "ana\u2028",
        "\uff41\uff4e\uff41",
        "ana ",
        " ana",
        "ANA",
        "ana\u200b",
        "ana%00",
        "ana%2F..%2Fben",
    ],
)
def test_no_way_to_write_an_id_gives_access_to_another_user(call, remembered, user):
    for route in MATRIX:
        answer = call("bound to Ana", *route, user=user)
        assert answer.status_code == 403, route
        assert not any(word in answer.text for word in ("Porto", "Rome"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/ana/../ben/profile",
        "/v1/users/ana/sessions/chat/turns/../../../../ben/profile",
        "//v1/users/ben/profile",
        "/v1/users/ana%2fsessions/../ben/profile",
        "/v1/users/./ben/profile",
        "/v1/users/ben;ana/profile",
    ],
)
def test_no_path_leads_around_the_check(settings, credential, remembered, path):
    with TestClient(create_app(settings)) as client:
        headers = {"Authorization": f"Bearer {credential['bound to Ana']}"}
        # Not joined and not normalized by the client.
        request = client.build_request("GET", "/", headers=headers)
        request.url = request.url.copy_with(raw_path=path.encode())
        answer = client.send(request)
    assert answer.status_code in (403, 404) and "Rome" not in answer.text


@pytest.mark.parametrize(
    "make",
    [
        lambda key: {"Authorization": key},
        lambda key: {"Authorization": f"Basic {key}"},
        lambda key: {"Authorization": f"Bearer {key} {key}"},
        lambda key: {"Authorization": f"Bearer {key[:-1]}"},
        lambda key: {"Authorization": f"Bearer {key}x"},
        lambda key: {"Authorization": "Bearer"},
        lambda key: {"Authorization": "Bearer "},
        lambda key: {"Authorization": ""},
        lambda key: {"Authorization": f"Bearer {key.lower()}"},
        lambda key: {"Authorization": b"Bearer \xff\xfe"},
        lambda key: {"X-API-Key": key},
        lambda key: {"Cookie": f"Authorization={key}"},
        lambda key: [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")],
    ],
)
def test_a_credential_in_another_form_is_none(settings, credential, make):
    with TestClient(create_app(settings)) as client:
        answer = client.get("/v1/users/ana/profile", headers=make(credential["all"]))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        right = client.get("/v1/users/ana/profile", headers={"Authorization": f"bearer  {credential['all']}"})
        assert right.status_code == 200


def test_the_document_says_which_calls_need_a_credential(settings):
    spec = create_app(settings).openapi()
    assert spec["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            needs = operation.get("security") == [{"Bearer": []}]
            assert needs == ((method.upper(), path) in MATRIX), (method, path)
