"""The routes for administrators: users, export, forget with its receipt, dead letters, imports."""

import json
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from afterturn import MemoryClient
from afterturn.forgetting import erasures
from afterturn.scopes import UserScope
from api_shim.http.app import create_app

USERS = "/v1/users"


@pytest.fixture
def door(settings, hot_store):
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        yield client


def say(settings, user_id, text="I live in Porto.", session_id="chat"):
    MemoryClient(user_id, session_id, settings=settings).write("user", text, name=user_id.title())


def test_users_are_listed_in_pages(door, settings, pipeline):
    for number in range(5):
        say(settings, f"user {number}/ä")
    say(settings, "zoe")
    pipeline.settle()
    listed = door.get(USERS).json()
    assert [user["user_id"] for user in listed["users"]] == [*(f"user {n}/ä" for n in range(5)), "zoe"]
    assert listed["next_cursor"] is None
    assert (listed["users"][5]["sessions"], listed["users"][5]["current_facts"]) == (1, 1)
    seen, cursor = [], None
    while True:
        page = door.get(USERS, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [user["user_id"] for user in page["users"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [user["user_id"] for user in listed["users"]]
    assert len(door.get(USERS, params={"prefix": "user 3"}).json()["users"]) == 1
    assert door.get(USERS, params={"cursor": "x"}).json()["code"] == "invalid_input"


def test_a_user_is_exported_as_the_command_exports(door, settings, pipeline):
    say(settings, "ana")
    say(settings, "ben", "I live in Rome.")
    pipeline.settle()
    say(settings, "ana", "Not archived yet.")
    answer = door.get(f"{USERS}/ana/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    records = [json.loads(text) for text in answer.text.splitlines()]
    assert {record.get("table") for record in records} >= {"turns", "facts", "evidence", "users"}
    assert "pending" in {record.get("key") for record in records}
    assert "Porto" in answer.text and "Not archived yet." in answer.text and "Rome" not in answer.text
    assert door.get(f"{USERS}/nobody/export").text == ""


def test_a_user_is_forgotten_with_a_receipt(door, settings, pipeline):
    say(settings, "ana", "My secret word is canary7.")
    pipeline.settle()
    asked = door.post(f"{USERS}/ana/erasures")
    assert asked.status_code == 202
    receipt = asked.json()
    assert (receipt["status"], receipt["epoch"], receipt["completed_at"]) == ("requested", 1, None)
    assert asked.headers["location"] == f"erasures/{receipt['receipt_id']}"
    assert door.post(f"{USERS}/ana/erasures").json()["receipt_id"] == receipt["receipt_id"]
    assert "ana" not in [user["user_id"] for user in door.get(USERS).json()["users"]]
    address = f"{USERS}/ana/erasures/{receipt['receipt_id']}"
    assert door.get(address).json()["status"] == "requested"
    assert erasures.run_erasure(pipeline.runtime, UserScope("default", "ana"))
    done = door.get(address).json()
    assert (done["status"], done["removed"]["turns"]) == ("completed", 1)
    assert done["completed_at"] and done["still_on_disk"]
    assert "canary7" not in door.get(f"{USERS}/ana/export").text
    assert door.get(f"{USERS}/ana/profile").json() == {"text": None}
    for unknown in ("x", "1", f"{receipt['receipt_id']}0", receipt["receipt_id"].replace("-1", "-2"), "-1", "٣"):
        assert door.get(f"{USERS}/ana/erasures/{quote(unknown)}").status_code == 404
    assert door.get(f"{USERS}/ben/erasures/{receipt['receipt_id']}").status_code == 404


def test_dead_letters_are_listed_replayed_and_discarded(door, settings, pipeline, database):
    say(settings, "ana")
    pipeline.settle()
    database.execute("UPDATE batches SET state = 'dead', reason = 'answer_malformed: x', dead_at = now()")
    [letter] = door.get("/v1/dead-letters").json()["dead_letters"]
    assert (letter["kind"], letter["user_id"], letter["turns"]) == ("batch", "ana", 1)
    assert door.get("/v1/dead-letters", params={"reason": "answer_refused"}).json() == {"dead_letters": []}
    assert len(door.get("/v1/dead-letters", params={"user_id": "ana"}).json()["dead_letters"]) == 1
    ids = {"dead_ids": [letter["dead_id"]]}
    assert door.post("/v1/dead-letters/discard", json=ids).json() == {"done": 1, "skipped": 0}
    assert door.get("/v1/dead-letters").json() == {"dead_letters": []}
    assert len(door.get("/v1/dead-letters?include_discarded=true").json()["dead_letters"]) == 1
    assert door.post("/v1/dead-letters/replay", json=ids).json() == {"done": 1, "skipped": 0}
    assert door.post("/v1/dead-letters/replay", json=ids).json() == {"done": 0, "skipped": 1}
    database.execute("UPDATE batches SET tenant_id = 'other', state = 'dead', dead_at = now()")
    theirs = door.post("/v1/dead-letters/replay", json=ids)
    unknown = door.post("/v1/dead-letters/replay", json={"dead_ids": ["00000000-0000-0000-0000-000000000007"]})
    assert (theirs.status_code, unknown.status_code) == (422, 422)
    assert theirs.json()["code"] == unknown.json()["code"] == "invalid_input"


def test_what_administrators_do_is_in_the_access_log(door, settings, pipeline, database):
    say(settings, "ana")
    pipeline.settle()
    door.get(USERS)
    door.get(f"{USERS}/ana/export")
    door.post(f"{USERS}/ana/erasures")
    door.get("/v1/dead-letters")
    rows = database.execute("SELECT action, about_user FROM access_log ORDER BY entry_id").fetchall()
    assert rows == [("users.list", None), ("export", "ana"), ("forget", "ana"), ("dead.list", None)]


def upload(door, lines, **parameters):
    body = "".join(json.dumps(one) + "\n" for one in lines)
    headers = {"content-type": "application/x-ndjson"}
    return door.post(f"{USERS}/ana/imports", content=body, params=parameters, headers=headers)


def said(number, **fields):
    at = datetime(2023, 5, 1, 12, number % 60, tzinfo=UTC).isoformat()
    return {"session": "old", "role": "user", "content": f"line {number}", "at": at} | fields


def test_an_import_is_uploaded_and_its_status_read(door, settings, pipeline):
    started = upload(door, [said(number) for number in range(7)])
    assert started.status_code == 202
    status = started.json()
    address = f"{USERS}/{started.headers['location'].replace('imports', 'ana/imports')}"
    for _ in range(100):
        status = door.get(address).json()
        if status["state"] != "running":
            break
        time.sleep(0.1)
    assert (status["state"], status["total"], status["written"], status["error"]) == ("completed", 7, 7, None)
    pipeline.settle()
    again = upload(door, [said(number) for number in range(7)])
    assert again.json()["import_id"] == status["import_id"]
    for _ in range(100):
        status = door.get(address).json()
        if status["state"] != "running":
            break
        time.sleep(0.1)
    assert (status["written"], status["already_archived"]) == (0, 7)
    assert len(MemoryClient("ana", "old", settings=settings).history()) == 7
    assert door.get(f"{USERS}/ben/imports/{status['import_id']}").status_code == 404


def test_imports_that_wait_are_bounded_and_interrupted_when_the_api_stops(settings, pipeline):
    lines = "".join(json.dumps(said(number)) + "\n" for number in range(500))
    with TestClient(create_app(settings), base_url="http://localhost") as door:
        # Nothing is archived, so the first imports wait for the archive, and the others for them.
        started = [door.post(f"{USERS}/user-{number}/imports", content=lines) for number in range(9)]
        assert [answer.status_code for answer in started] == [202] * 8 + [503]
        assert started[-1].json()["code"] == "memory_unavailable"
        ids = [answer.json()["import_id"] for answer in started[:8]]
        assert len(set(ids)) == 8
        again = door.post(f"{USERS}/user-0/imports", content=lines)
        assert again.status_code == 503
    with TestClient(create_app(settings), base_url="http://localhost") as door:
        first = door.get(f"{USERS}/user-0/imports/{ids[0]}").json()
        assert (first["state"], first["total"]) == ("interrupted", 500) and 0 < first["written"] < 500
        continued = door.post(f"{USERS}/user-0/imports", content=lines).json()
        assert continued["import_id"] == ids[0]
        deadline = time.monotonic() + 60
        while continued["state"] == "running" and time.monotonic() < deadline:
            pipeline.settle()
            continued = door.get(f"{USERS}/user-0/imports/{ids[0]}").json()
        assert (continued["state"], continued["conflicting"]) == ("completed", 0)
    pipeline.settle()
    assert len(MemoryClient("user-0", "old", settings=settings).history(1_000)) == 500


def test_an_upload_with_invalid_lines_writes_nothing(door, hot_store):
    lines = [said(1), said(2, role="nobody", content="canary"), said(3, user="ben"), said(4, tenant="other")]
    refused = upload(door, lines)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
    detail = refused.json()["detail"]
    assert "line 2: [invalid_role]" in detail and "line 3: [other_user]" in detail and "line 4: [other_user]" in detail
    assert "canary" not in detail and not hot_store.keys("at:*pending*")
    taken = upload(door, lines, skip_invalid="true")
    assert (taken.status_code, taken.json()["total"], taken.json()["skipped"]) == (202, 1, 3)
    without = upload(door, [{"role": "user", "content": "x", "at": "2023-05-01T12:00:00Z"}])
    assert "missing_session" in without.json()["detail"]
    given = upload(door, [{"role": "user", "content": "x", "at": "2023-05-01T12:00:00Z"}], session_id="s")
    assert given.status_code == 202


def test_lists_over_http_have_cursors(door, settings, pipeline):
    for number in range(5):
        say(settings, "ana", f"I have {number + 2} cats.", session_id=f"chat-{number}")
        pipeline.settle()
    for number in range(5):
        say(settings, "ana", f"turn {number}", session_id="long")
    pipeline.settle()
    for path, name in (
        (f"{USERS}/ana/sessions", "sessions"),
        (f"{USERS}/ana/episodes", "episodes"),
        (f"{USERS}/ana/facts", "facts"),
        (f"{USERS}/ana/sessions/long/turns", "turns"),
    ):
        whole = door.get(path, params={"limit": 100}).json()
        assert whole["next_cursor"] is None
        seen, cursor = [], None
        while True:
            page = door.get(path, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
            seen = page[name] + seen if name == "turns" else seen + page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        # The newest turns come from Redis, which does not know their positions.
        compared = [{**entry, "position": None} for entry in seen]
        assert compared == [{**entry, "position": None} for entry in whole[name]] and len(seen) >= 2, path
        assert door.get(path, params={"cursor": "no"}).json()["code"] == "invalid_input"
    similar = door.get(f"{USERS}/ana/episodes", params={"query": "turn turn turn", "limit": 9}).json()
    listed = door.get(f"{USERS}/ana/episodes").json()["episodes"]
    assert {one["episode_id"] for one in similar["episodes"]} == {one["episode_id"] for one in listed}
    scores = [episode["score"] for episode in similar["episodes"]]
    assert scores == sorted(scores, reverse=True) and scores[0] is not None


def test_a_session_is_closed_and_cleared_over_http(door, settings, pipeline):
    base = f"{USERS}/ana/sessions/chat"
    say(settings, "ana")
    assert door.post(f"{base}/close").status_code == 202
    pipeline.settle()
    assert door.delete(f"{base}/turns").json() == {"removed": 1}
    assert door.get(f"{base}/turns").json() == {"turns": [], "next_cursor": None}
    pipeline.settle()
    assert door.get(f"{USERS}/ana/facts").json()["facts"] == []
