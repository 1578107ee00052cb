"""The memories of a user over the routes of agents: list, add, add many, by topic. Users stay separate."""

import pytest

from afterturn import MemoryClient
from afterturn.access import access_log, keys
from afterturn.database import pool
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from tests.integration.agents.conftest import prompts

LIST = "/v1/agents/concierge/memories"


def texts(answer):
    return [each["memory"] for each in answer.json()["data"]]


def test_what_users_say_becomes_their_own_memories(http, run, pipeline):
    run("I live in Porto.")
    run("I live in Rome.", user_id="ben")
    pipeline.settle()
    assert texts(http.get(LIST, params={"user_id": "ana"})) == ["Somebody said: I live in Porto."]
    assert texts(http.get(LIST, params={"user_id": "ben"})) == ["Somebody said: I live in Rome."]
    assert texts(http.get("/memories", params={"user_id": "ben"})) == ["Somebody said: I live in Rome."]
    assert texts(http.get(LIST, params={"user_id": "nobody"})) == []


def test_memories_are_added_and_found_by_topic(http, pipeline, settings):
    one = {"user_id": "ana", "memory": "Ana likes fado.", "topics": ["Music", "taste"]}
    added = http.post(LIST, json=one)
    assert added.status_code == 202
    memory_id = added.json()["memory_id"]
    assert added.json() == {
        "memory_id": memory_id,
        "memory": "Ana likes fado.",
        "topics": ["Music", "taste"],
        "user_id": "ana",
        "updated_at": None,
    }
    many = {
        "user_id": "ana",
        "memories": [{"memory": "Ana plays the cello.", "topics": ["music"]}, {"memory": "Ana is 40."}],
    }
    assert texts(http.post(f"{LIST}/batch", json=many)) == ["Ana plays the cello.", "Ana is 40."]
    created = http.post("/memories", json={"user_id": "ben", "memory": "Ben likes jazz.", "topics": ["music"]})
    assert created.status_code == 200
    pipeline.settle()
    for path in (LIST, "/memories"):
        assert len(texts(http.get(path, params={"user_id": "ana"}))) == 3
        assert set(texts(http.get(path, params={"user_id": "ana", "topics": "music"}))) == {
            "Ana likes fado.",
            "Ana plays the cello.",
        }
        for both in ("music,taste", ["TASTE", "music"]):
            assert texts(http.get(path, params={"user_id": "ana", "topics": both})) == ["Ana likes fado."]
        assert texts(http.get(path, params={"user_id": "ana", "topics": "sport"})) == []
    assert memory_id in {fact.fact_id for fact in MemoryClient("ana", settings=settings).facts()}


def test_a_batch_is_added_whole_or_not_at_all(http, hot_store):
    body = {"user_id": "ana", "memories": [{"memory": "Ana likes fado."}, {"memory": ""}]}
    assert http.post(f"{LIST}/batch", json=body).status_code == 422
    assert hot_store.keys("at:*pending*") == []


def test_a_repeated_addition_with_a_key_has_no_further_effect(http, pipeline):
    body = {"user_id": "ana", "memory": "Ana likes fado."}
    ids = {http.post(LIST, json=body, headers={"Idempotency-Key": "k"}).json()["memory_id"] for _ in range(2)}
    pipeline.settle()
    assert len(ids) == 1 and len(texts(http.get(LIST, params={"user_id": "ana"}))) == 1


def test_lists_have_pages(http, pipeline):
    given = [{"memory": f"Ana has book {number}.", "topics": ["books", "home"]} for number in range(5)]
    http.post(f"{LIST}/batch", json={"user_id": "ana", "memories": given})
    pipeline.settle()
    for topics in ({}, {"topics": "books"}, {"topics": "books,home"}):
        found, cursor = [], None
        while True:
            page = {} if cursor is None else {"cursor": cursor}
            answer = http.get(LIST, params={"user_id": "ana", "limit": 2} | topics | page)
            found += texts(answer)
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert sorted(found) == [each["memory"] for each in given]
    pages = [http.get("/memories", params={"user_id": "ana", "limit": 2, "page": page}) for page in (1, 2, 3, 4)]
    assert sorted(text for page in pages for text in texts(page)) == [each["memory"] for each in given]
    assert [page.json()["meta"]["page"] for page in pages] == [1, 2, 3, 4] and texts(pages[3]) == []
    assert pages[0].json()["meta"] == {"page": 1, "limit": 2, "total_pages": 3, "total_count": 5}


@pytest.fixture
def credentials(settings):
    """The headers of a key for Ana, and of one for all users. An API that starts later needs one of them."""

    def make(connection, users):
        principal = Principal(tenant_id="default", users=users, rights=ALL_RIGHTS)
        key = keys.create(connection, principal, actor=access_log.make_system_actor())
        return {"Authorization": f"Bearer {key.text}"}

    with pool.worker_connection(settings) as connection:
        return make(connection, frozenset({"ana"})), make(connection, EveryUser())


CALLS = (
    ("POST", "/v1/agents/concierge/run", {"message": "Where do I live?"}),
    ("POST", "/agents/concierge/runs", {"message": "Where do I live?"}),
    ("GET", LIST, None),
    ("GET", "/memories", None),
    ("POST", LIST, {"memory": "Ana lives in Rome."}),
    ("POST", f"{LIST}/batch", {"memories": [{"memory": "Ana lives in Rome."}]}),
    ("POST", "/memories", {"memory": "Ana lives in Rome."}),
)


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_the_credential_says_whose_memory_it_is(method, path, body, settings, credentials, http, model, hot_store):
    ana, every = credentials

    def send(headers, **user):
        if method == "GET":
            return http.get(path, params=user, headers=headers)
        return http.post(path, json=body | user, headers=headers)

    refused = send(ana, user_id="ben")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert refused.text == send(ana, user_id="nobody").text
    missing = send(every)
    assert missing.status_code == 422 and "user_id" in missing.json()["detail"]
    assert prompts(model) == [] and hot_store.keys("at:*pending*") == []
    # The only user of the credential is the default.
    assert send(ana).status_code in (200, 202)
    if "run" in path:
        assert [user for user in ("ana", "default") if MemoryClient(user, settings=settings).sessions()] == ["ana"]
