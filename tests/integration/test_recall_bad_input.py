"""For any input, recall returns a correct answer or a clear error with a stable code; clients and HTTP agree."""

import asyncio
import http.client
import json
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote

import pytest

from afterturn.errors import InvalidInput
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections

BASE = "/v1/users/ana/sessions/chat"
REJECTION_CODES = ("invalid_input", "invalid_id")


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


#: (argument, value) that recall must reject.
INVALID = [
    ("limit", 0),
    ("limit", -1),
    ("limit", 10**9),
    ("limit", 2**70),
    ("limit", float("nan")),
    ("limit", "3"),
    ("query", "x" * 1_000_000),
    ("query", 7),
    ("query", b"Porto"),
    ("kinds", 7),
    ("kinds", []),
    ("kinds", ["dream"]),
    ("kinds", [[]]),
    ("kinds", [None]),
    ("topics", 7),
    ("topics", [""]),
    ("topics", ["topic"] * 1_000),
    ("session_id", ""),
    ("session_id", 7),
    ("session_id", "x" * 1_000),
    ("agent_id", "\x00"),
    ("since", datetime(2024, 1, 1)),
    ("until", "2024"),
    ("as_of", 7),
    ("time", "martian"),
    ("time", None),
    ("time", []),
    ("min_score", float("nan")),
    ("min_score", 10**400),
    ("min_score", "high"),
    ("include_superseded", None),
    ("metadata", {}),
    ("metadata", [1]),
    ("metadata", {"a": float("inf")}),
    ("order", "newest"),
    ("order", []),
    ("cursor", 7),
    ("cursor", ""),
    ("cursor", "é"),
    ("cursor", "A" * 18),
    ("cursor", "A" * 1_000_000),
]

#: (argument, value) that JSON cannot represent; HTTP cannot send them.
NOT_JSON = [("metadata", {(1,): 2}), ("metadata", {"a": 10**5_000}), ("metadata", nested(100_000))]

#: (arguments, number of the user's two turns that must be found).
UNUSUAL = [
    ({"query": ""}, 0),
    ({"query": " \t\n"}, 0),
    ({"query": "\x00"}, 0),
    ({"query": "\N{GRINNING FACE}" * 10_000}, 0),
    ({"query": "\u202e\u200b"}, 0),
    ({"query": "?!"}, 0),
    ({"query": "the of and"}, 2),
    ({"query": "what is it"}, 2),
    ({"query": "\ud800 Porto \x00"}, 2),
    ({"query": "a" * 32_768}, 2),
    ({"query": "Porto " * 5_000}, 2),
    ({"query": "'; DROP TABLE facts; --"}, 2),
    ({"query": "a & | ! <-> %s %(x)s"}, 2),
    ({"limit": 1}, 1),
    ({"limit": 1_000}, 2),
    ({"kinds": "turn"}, 2),
    ({"topics": "\x00"}, 0),
    ({"topics": ["x" * 100_000]}, 0),
    ({"min_score": float("-inf")}, 2),
    ({"min_score": float("inf")}, 0),
    ({"metadata": {"place": "kit\x00chen"}}, 1),
    ({"metadata": {"pl\x00ace": "kitchen"}}, 0),
    ({"metadata": {"place": "\ud800"}}, 0),
    ({"metadata": nested(100)}, 0),
    ({"metadata": {"place": "x" * 1_000_000}}, 0),
    ({"metadata": {"number": 10**4_000}}, 0),
    ({"session_id": "~edits"}, 0),
    ({"session_id": "'; DROP TABLE turns; --"}, 0),
    ({"since": datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))}, 2),
    ({"until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))}, 2),
    ({"as_of": datetime.max.replace(tzinfo=UTC), "time": "recorded"}, 1),
]


@pytest.fixture
def ana(settings, pipeline):
    """A user with one archived and one pending turn."""
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "Porto it is.", turn_id="t-1", metadata={"place": "kit\x00chen"})
    pipeline.settle()
    memory.write("user", "Porto, I said.", turn_id="t-2")
    return memory


def turn_ids(memories):
    return {evidence.turn_id for memory in memories for evidence in memory.evidence}


@pytest.mark.parametrize(("name", "value"), [*INVALID, *NOT_JSON])
def test_the_client_rejects_an_invalid_argument_and_names_it(settings, name, value):
    with pytest.raises(InvalidInput, match=name) as error:
        MemoryClient("ana", settings=settings).recall(**{"query": "Porto"} | {name: value})
    assert error.value.code in REJECTION_CODES
    assert len(str(error.value)) < 1_000


def test_the_async_client_rejects_the_same_arguments(settings):
    async def recall_all():
        memory = AsyncMemoryClient("ana", settings=settings)
        for name, value in (*INVALID, *NOT_JSON):
            with pytest.raises(InvalidInput, match=name):
                await memory.recall(**{"query": "Porto"} | {name: value})

    asyncio.run(recall_all())


def test_both_clients_answer_unusual_arguments_correctly(ana, settings):
    async def answers():
        memory = AsyncMemoryClient("ana", "chat", settings=settings)
        found = [turn_ids(await memory.recall(**{"query": "Porto"} | given)) for given, _ in UNUSUAL]
        await close_async_connections()
        return found

    found = [turn_ids(ana.recall(**{"query": "Porto"} | given)) for given, _ in UNUSUAL]
    assert [len(ids) for ids in found] == [count for _, count in UNUSUAL]
    assert asyncio.run(answers()) == found


def as_parameters(given):
    """Return the arguments as a query string."""
    parts = []
    for name, value in ({"query": "Porto"} | given).items():
        values = value if isinstance(value, list) and name in ("kinds", "topics") else [value]
        for item in values:
            if name == "metadata":
                text = json.dumps(item)
            else:
                text = item.isoformat() if isinstance(item, datetime) else str(item)
            parts.append(f"{name}={quote(text.encode(errors='surrogatepass'), safe='')}")
    return "&".join(parts)


def test_no_argument_causes_an_internal_error_over_http(api, ana):
    cases = [({name: value}, None) for name, value in INVALID]
    for given, count in [*cases, *UNUSUAL]:
        parameters = as_parameters(given)
        if len(parameters) > 60_000:
            continue
        answer = api.get(f"{BASE}/memories?{parameters}")
        assert answer.status_code in (200, 422), (answer.status_code, parameters[:200])
        if answer.status_code == 422:
            assert answer.json()["code"] in REJECTION_CODES
        elif count is not None:
            found = {evidence["turn_id"] for memory in answer.json()["memories"] for evidence in memory["evidence"]}
            assert len(found) == count, parameters[:200]


@pytest.mark.parametrize(
    "parameters",
    [
        "limit=0",
        "limit=-1",
        "limit=1000000000",
        "limit=x",
        "kinds=dream",
        "time=martian",
        "order=random",
        "query=x&order=newest",
        "min_score=high",
        "min_score=nan",
        "since=2024-01-01T00:00:00",
        "since=yesterday",
        "metadata=%7B",
        "metadata=[1]",
        "metadata={}",
        "cursor=none",
        "colour=red",
        "limit=5&Limit=5",
        "session_id=%00",
        "query=" + "x" * 40_000,
    ],
    ids=lambda parameters: parameters[:20],
)
def test_http_rejects_invalid_parameters(unserved, parameters):
    answer = unserved.get(f"{BASE}/memories?{parameters}")
    assert (answer.status_code, answer.json()["code"] in REJECTION_CODES) == (422, True), answer.text


def test_a_request_body_may_be_longer_than_a_url(api, ana):
    arguments = {"query": "Porto " + "\N{GRINNING FACE}" * 30_000, "metadata": {"place": "kit\x00chen"}}
    memories = api.post(f"{BASE}/recall", json=arguments).json()["memories"]
    assert {evidence["turn_id"] for memory in memories for evidence in memory["evidence"]} == {"t-1"}
    assert api.post(f"{BASE}/recall", json={}).json() == api.get(f"{BASE}/memories").json()
    for invalid in (
        {"query": "x" * 1_000_000},
        {"colour": "red"},
        {"limit": 0},
        {"metadata": "{}"},
        {"metadata": {}},
        [],
    ):
        answer = api.post(f"{BASE}/recall", json=invalid)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), str(invalid)[:100]
        assert len(answer.text) < 1_000


def test_http_rejects_a_url_that_is_too_long(api):
    # http.client, because httpx does not send such a long URL.
    connection = http.client.HTTPConnection(api.base_url.host, api.base_url.port, timeout=60)
    with closing(connection), suppress(OSError):
        connection.request("GET", f"{BASE}/memories?query=" + "x" * 1_000_000)
        assert connection.getresponse().status == 400
    assert api.get("/healthz").status_code == 200


@pytest.fixture
def unserved(settings):
    """The HTTP app without a server, because a rejected request needs none."""
    from fastapi.testclient import TestClient

    from api_shim.http.app import create_app

    return TestClient(create_app(settings))


def test_ids_and_cursors_of_another_user_find_nothing(ana, settings, pipeline):
    """Use sessions, agents and cursors of another user, of the same tenant and of another."""
    agent = MemoryClient("ana", "secret", "butler", settings=settings)
    agent.write("user", "My canary lives in Porto.", turn_id="canary")
    pipeline.settle()
    [first] = ana.recall("Porto", 1)
    strangers = (
        MemoryClient("ben", "chat", settings=settings),
        MemoryClient("ana", "chat", tenant_id="other", settings=settings),
    )
    for stranger in strangers:
        stranger.write("user", "I like Porto too.", turn_id="own")
        for given in ({"session_id": "secret"}, {"agent_id": "butler"}, {"session_id": "secret", "kinds": ["episode"]}):
            assert stranger.recall("Porto", **given) == stranger.recall(**given) == []
        assert turn_ids(stranger.recall("canary Porto")) == {"own"}
        with pytest.raises(InvalidInput, match="another"):
            stranger.recall("Porto", 1, cursor=first.cursor)
