"""Whatever recall is asked: a clear error with a stable code, or a correct answer. The clients and HTTP agree."""

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
REFUSED = ("invalid_input", "invalid_id")


def nested(depth):
    held = {}
    for _ in range(depth):
        held = {"a": held}
    return held


#: What recall must refuse, by the name of the argument that is wrong.
WRONG = [
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

#: What no JSON can hold, and so cannot be sent.
NO_JSON = [("metadata", {(1,): 2}), ("metadata", {"a": 10**5_000}), ("metadata", nested(100_000))]

#: What recall must answer, with how many of the user's two turns.
STRANGE = [
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
    """One turn is archived, one is not yet."""
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "Porto it is.", turn_id="t-1", metadata={"place": "kit\x00chen"})
    pipeline.settle()
    memory.write("user", "Porto, I said.", turn_id="t-2")
    return memory


def turns(found):
    return {said.turn_id for memory in found for said in memory.evidence}


@pytest.mark.parametrize(("name", "value"), [*WRONG, *NO_JSON])
def test_the_client_refuses_and_names_what_is_wrong(settings, name, value):
    with pytest.raises(InvalidInput, match=name) as refused:
        MemoryClient("ana", settings=settings).recall(**{"query": "Porto"} | {name: value})
    assert refused.value.code in REFUSED
    assert len(str(refused.value)) < 1_000


def test_the_async_client_refuses_the_same(settings):
    async def refuse():
        memory = AsyncMemoryClient("ana", settings=settings)
        for name, value in (*WRONG, *NO_JSON):
            with pytest.raises(InvalidInput, match=name):
                await memory.recall(**{"query": "Porto"} | {name: value})

    asyncio.run(refuse())


def test_what_is_strange_gets_a_correct_answer_from_both_clients(ana, settings):
    async def answers():
        memory = AsyncMemoryClient("ana", "chat", settings=settings)
        found = [turns(await memory.recall(**{"query": "Porto"} | given)) for given, _ in STRANGE]
        await close_async_connections()
        return found

    found = [turns(ana.recall(**{"query": "Porto"} | given)) for given, _ in STRANGE]
    assert [len(ids) for ids in found] == [count for _, count in STRANGE]
    assert asyncio.run(answers()) == found


def as_parameters(given):
    """Return the arguments as a query string, as far as one can hold them."""
    parts = []
    for name, value in ({"query": "Porto"} | given).items():
        values = value if isinstance(value, list) and name in ("kinds", "topics") else [value]
        for one in values:
            text = json.dumps(one) if name == "metadata" else one.isoformat() if isinstance(one, datetime) else str(one)
            parts.append(f"{name}={quote(text.encode(errors='surrogatepass'), safe='')}")
    return "&".join(parts)


def test_over_http_nothing_fails_inside(api, ana):
    cases = [({name: value}, None) for name, value in WRONG]
    for given, count in [*cases, *STRANGE]:
        parameters = as_parameters(given)
        if len(parameters) > 60_000:
            continue
        answer = api.get(f"{BASE}/memories?{parameters}")
        assert answer.status_code in (200, 422), (answer.status_code, parameters[:200])
        if answer.status_code == 422:
            assert answer.json()["code"] in REFUSED
        elif count is not None:
            found = {said["turn_id"] for memory in answer.json()["memories"] for said in memory["evidence"]}
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
def test_http_refuses_and_repeats_nothing(unserved, parameters):
    answer = unserved.get(f"{BASE}/memories?{parameters}")
    assert (answer.status_code, answer.json()["code"] in REFUSED) == (422, True), answer.text


def test_a_body_holds_what_a_url_does_not(api, ana):
    asked = {"query": "Porto " + "\N{GRINNING FACE}" * 30_000, "metadata": {"place": "kit\x00chen"}}
    memories = api.post(f"{BASE}/recall", json=asked).json()["memories"]
    assert {said["turn_id"] for memory in memories for said in memory["evidence"]} == {"t-1"}
    assert api.post(f"{BASE}/recall", json={}).json() == api.get(f"{BASE}/memories").json()
    for wrong in (
        {"query": "x" * 1_000_000},
        {"colour": "red"},
        {"limit": 0},
        {"metadata": "{}"},
        {"metadata": {}},
        [],
    ):
        answer = api.post(f"{BASE}/recall", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), str(wrong)[:100]
        assert len(answer.text) < 1_000


def test_http_refuses_a_question_that_is_larger_than_a_request_may_be(api):
    # By hand: httpx does not send such a line.
    connection = http.client.HTTPConnection(api.base_url.host, api.base_url.port, timeout=20)
    with closing(connection), suppress(OSError):
        connection.request("GET", f"{BASE}/memories?query=" + "x" * 1_000_000)
        assert connection.getresponse().status == 400
    assert api.get("/healthz").status_code == 200


@pytest.fixture
def unserved(settings):
    """The app without a server: what is refused needs none behind it."""
    from fastapi.testclient import TestClient

    from api_shim.http.app import create_app

    return TestClient(create_app(settings))


def test_ids_of_others_find_nothing(ana, settings, pipeline):
    """Each other's sessions, agents and cursors, from the same tenant and from another."""
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
        assert turns(stranger.recall("canary Porto")) == {"own"}
        with pytest.raises(InvalidInput, match="another"):
            stranger.recall("Porto", 1, cursor=first.cursor)
