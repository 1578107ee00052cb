"""Documents over HTTP: the version is the entity tag, and a write names the version that it replaces."""

import json

import pytest

from afterturn import MemoryClient

PLAN = "/v1/users/ana/state/plan"


def test_write_read_and_delete(api, settings):
    assert api.get(PLAN).status_code == 404
    created = api.put(PLAN, json={"value": {"step": 1}}, headers={"If-None-Match": "*"})
    assert (created.status_code, created.json(), created.headers["etag"]) == (200, {"version": 1}, '"1"')
    found = api.get(PLAN)
    assert (found.json(), found.headers["etag"]) == ({"key": "plan", "version": 1, "value": {"step": 1}}, '"1"')
    assert MemoryClient("ana", settings=settings).state.get("plan") == ({"step": 1}, 1)
    changed = api.put(PLAN, json={"value": 2.0}, headers={"If-Match": '"1"'})
    assert changed.headers["etag"] == '"2"' and api.get(PLAN).text.endswith('"value":2.0}')
    assert api.delete(PLAN, headers={"If-Match": '"1"'}).status_code == 412
    assert api.delete(PLAN, headers={"If-Match": '"2"'}).status_code == 204
    assert api.get(PLAN).status_code == 404
    assert api.put(PLAN, json={"value": None}, params={"expected": 0}).json() == {"version": 4}


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_without_a_precondition_nothing_is_written(api, method):
    api.put(PLAN, json={"value": 1}, params={"expected": 0})
    body = {"json": {"value": 2}} if method == "PUT" else {}
    answer = api.request(method, PLAN, **body)
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    for headers in ({"If-Match": '"2"'}, {"If-Match": 'W/"1"'}, {"If-Match": "1"}, {"If-Match": ""}):
        answer = api.request(method, PLAN, headers=headers, **body)
        assert (answer.status_code, answer.json()["code"]) == (412, "concurrency_error"), headers
    for headers, expected in (({"If-Match": '"1"', "If-None-Match": "*"}, None), ({"If-Match": '"1"'}, 1)):
        params = {} if expected is None else {"expected": expected}
        assert api.request(method, PLAN, headers=headers, params=params, **body).status_code == 422
    assert api.request(method, PLAN, headers={"If-None-Match": '"1"'}, **body).status_code == 422
    assert api.request(method, PLAN, params={"expected": -1}, **body).status_code == 422
    assert api.get(PLAN).json()["version"] == 1


def test_lists_of_tags_and_any_version(api):
    assert api.put(PLAN, json={"value": 1}, headers={"If-Match": "*"}).status_code == 412
    api.put(PLAN, json={"value": 1}, params={"expected": 0})
    assert api.put(PLAN, json={"value": 2}, headers={"If-None-Match": "*"}).status_code == 412
    assert api.put(PLAN, json={"value": 2}, headers={"If-Match": '"7", "1"'}).json() == {"version": 2}
    assert api.put(PLAN, json={"value": 3}, headers={"If-Match": "*"}).json() == {"version": 3}
    twice = [("If-Match", '"9"'), ("If-Match", '"3"')]
    assert api.put(PLAN, json={"value": 4}, headers=twice).json() == {"version": 4}


def test_a_reader_that_has_the_version_gets_304(api):
    api.put(PLAN, json={"value": 1}, params={"expected": 0})
    for tags in ('"1"', 'W/"1"', '"0", "1"', "*"):
        answer = api.get(PLAN, headers={"If-None-Match": tags})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
    assert api.get(PLAN, headers={"If-None-Match": '"2"'}).status_code == 200
    head = api.head(PLAN)
    assert (head.status_code, head.headers["etag"], head.content) == (200, '"1"', b"")


def test_values_come_back_as_they_are(api):
    texts = [
        '"\\u0000 \\ud800"',
        "2.0",
        str(10**400),
        "-1e-7",
        '{"b":[1,2.5,null,true],"a":{}}',
        json.dumps("東京 😀" * 50_000),
    ]
    for number, text in enumerate(texts):
        path = f"/v1/users/ana/state/k{number}"
        body = '{"value":' + text + "}"
        headers = {"Content-Type": "application/json", "If-None-Match": "*"}
        assert api.put(path, content=body, headers=headers).status_code == 200, text[:20]
        value = api.get(path).text.partition('"value":')[2].removesuffix("}")
        assert json.dumps(json.loads(value)) == json.dumps(json.loads(text))
    for text in ("NaN", "[Infinity]", "1e999", "9" * 5_000, '{"a":', "[" * 100_000):
        body = '{"value":' + text + "}"
        answer = api.put(PLAN, content=body, headers={"Content-Type": "application/json", "If-None-Match": "*"})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), text[:20]
    assert api.put(PLAN, json={}, headers={"If-None-Match": "*"}).status_code == 422


@pytest.mark.parametrize("key", ["a%2Fb", "%23life", "~state", "%E6%9D%B1%20%F0%9F%98%80", "..%2F..", "x" * 200])
def test_keys_in_paths(api, key):
    path = f"/v1/users/ana/state/{key}"
    assert api.put(path, json={"value": key}, headers={"If-None-Match": "*"}).status_code == 200
    assert api.get(path).json()["value"] == key
    assert len(api.get("/v1/users/ana/state").json()["documents"]) == 1
    assert api.get("/v1/users/ben/state").json()["documents"] == []


def test_scopes_lists_and_expiry(api):
    for query in ({}, {"scope": "session", "session_id": "chat"}, {"scope": "agent", "agent_id": "planner"}):
        assert api.put(PLAN, json={"value": query}, params=query | {"expected": 0}).json() == {"version": 1}
    for query in ({}, {"scope": "session", "session_id": "chat"}, {"scope": "agent", "agent_id": "planner"}):
        assert api.get(PLAN, params=query).json()["value"] == query
        assert [row["key"] for row in api.get("/v1/users/ana/state", params=query).json()["documents"]] == ["plan"]
    for query in ({"scope": "session"}, {"scope": "agent"}, {"scope": "task"}, {"session_id": "~state"}):
        assert api.get(PLAN, params=query).status_code == 422, query
    for number in range(5):
        body = {"value": 1, "ttl_seconds": 600}
        api.put(f"/v1/users/ana/state/n{number}", json=body, params={"expected": 0})
    names, cursor = [], None
    while True:
        params = {"prefix": "n", "limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = api.get("/v1/users/ana/state", params=params).json()
        names += [row["key"] for row in page["documents"]]
        assert all(row["expires_at"] for row in page["documents"])
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == [f"n{number}" for number in range(5)]


def test_a_fence_over_http(api, settings):
    lock = MemoryClient("ana", settings=settings).lock("plan")
    fence = lock.acquire()
    assert api.put(PLAN, json={"value": 1, "fence": fence}, params={"expected": 0}).status_code == 200
    lock.release()
    for answer in (
        api.put(PLAN, json={"value": 2, "fence": fence}, params={"expected": 1}),
        api.delete(PLAN, params={"expected": 1, "fence": fence}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "stale_fence")
