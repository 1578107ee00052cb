"""The HTTP API in a process of its own, called over HTTP."""

from urllib.parse import quote
from uuid import UUID

import httpx
import pytest

from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS

BASE = "/v1/users/ana/sessions/chat"


def test_write_history_recall_flush(api, pipeline):
    turns = [{"role": "user", "content": "I live in Porto.", "name": "Ana"}, {"role": "assistant", "content": "Nice!"}]
    written = api.post(f"{BASE}/turns", json={"turns": turns, "agent_id": "concierge"})
    assert written.status_code == 201
    assert len(written.json()["turn_ids"]) == 2
    assert api.post(f"{BASE}/flush").status_code == 202
    pipeline.settle()

    history = api.get(f"{BASE}/turns", params={"limit": 5}).json()["turns"]
    assert [(turn["turn_id"], turn["content"], turn["position"]) for turn in history] == [
        (written.json()["turn_ids"][0], "I live in Porto.", None),
        (written.json()["turn_ids"][1], "Nice!", None),
    ] or [turn["position"] for turn in history] == [1, 2]
    memories = api.get(f"{BASE}/memories", params={"query": "Where does Ana live?"}).json()["memories"]
    fact = next(memory for memory in memories if memory["kind"] == "fact")
    assert fact["text"] == "Ana lives in Porto."
    assert fact["evidence"][0]["speaker"] == "Ana"
    assert api.get(f"{BASE}/memories").json()["memories"][0]["kind"] == "turn"


def test_a_turn_is_removed(api, pipeline):
    ids = ["t-1", "with/slash and %2F"]
    turns = [{"role": "user", "content": f"turn {turn_id}", "turn_id": turn_id} for turn_id in ids]
    api.post(f"{BASE}/turns", json={"turns": turns})
    for turn_id in reversed(ids):
        assert api.delete(f"{BASE}/turns/{quote(turn_id, safe='')}").status_code == 202
        left = [turn["turn_id"] for turn in api.get(f"{BASE}/turns").json()["turns"]]
        assert left == ids[: ids.index(turn_id)]
    assert api.get(f"{BASE}/memories").json() == {"memories": []}
    assert api.delete(f"{BASE}/turns/unknown").status_code == 202
    refused = api.delete(f"{BASE}/turns/%00")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_id")


def test_summary_profile_and_preferences(api, pipeline):
    user = "/v1/users/ana"
    assert api.get(f"{BASE}/summary").json() == {"text": None, "statements": []}
    assert api.get(f"{user}/profile").json() == {"text": None}
    assert api.get(f"{user}/preferences").json() == {"preferences": {}}
    api.post(f"{BASE}/turns", json={"turns": [{"role": "user", "content": "I live in Porto.", "name": "Ana"}]})
    changed = api.put(f"{user}/preferences/reply%20language", json={"value": "Danish", "edit_id": "e-1"})
    assert changed.status_code == 202
    pipeline.settle()
    summary = api.get(f"{BASE}/summary").json()
    [statement] = summary["statements"]
    assert summary["text"] == statement["text"]
    assert "Porto" in statement["text"] and len(statement["episode_ids"]) == 1
    profile = api.get(f"{user}/profile").json()["text"]
    assert "Porto" in profile and "Danish" in profile
    assert api.get(f"{user}/preferences").json() == {"preferences": {"reply_language": "Danish"}}
    refused = api.put(f"{user}/preferences/--", json={"value": "Danish"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")


FACTS = "/v1/users/ana/facts"


def test_facts_are_added_corrected_pinned_and_deleted(api, pipeline):
    new = {"text": "Ana lives in Porto.", "subject": "Ana", "topics": ["home"], "valid_from": "2020-01-01T00:00:00Z"}
    added = api.post(FACTS, json={"facts": [new, {"text": "Ana has a cat.", "pinned": True}], "edit_id": "e-1"})
    assert added.status_code == 202
    porto, cat = added.json()["fact_ids"]
    assert api.post(FACTS, json={"facts": [new], "edit_id": "e-1"}).json() == {"fact_ids": [porto]}
    corrected = api.patch(f"{FACTS}/{porto}", json={"text": "Ana lives in Braga."})
    assert corrected.status_code == 202
    [braga] = corrected.json()["fact_ids"]
    assert api.patch(f"{FACTS}/{cat}", json={"pinned": False}).json() == {"fact_ids": [cat]}
    pipeline.settle()

    facts = {fact["text"]: fact for fact in api.get(FACTS).json()["facts"]}
    assert facts.keys() == {"Ana lives in Braga.", "Ana has a cat."}
    assert (facts["Ana has a cat."]["is_pinned"], facts["Ana lives in Braga."]["fact_id"]) == (False, braga)
    assert facts["Ana lives in Braga."]["evidence"][0]["quote"] == "Ana lives in Braga."
    [old, new] = api.get(f"{FACTS}/{porto}/history").json()["facts"]
    assert (old["ended_because"], old["superseded_by"], new["fact_id"]) == ("person", braga, braga)
    assert [fact["text"] for fact in api.get(FACTS, params={"topic": "home"}).json()["facts"]] == [
        "Ana lives in Braga."
    ]
    assert api.get(FACTS, params={"as_of": "2019-01-01T00:00:00Z"}).json()["facts"] == []
    assert len(api.get(FACTS, params={"include_superseded": True}).json()["facts"]) == 3

    assert api.delete(f"{FACTS}/{braga}").status_code == 202
    pipeline.settle()
    assert [fact["text"] for fact in api.get(FACTS).json()["facts"]] == ["Ana has a cat."]


INVALID_EDITS = (
    ("post", FACTS, {"facts": []}),
    ("post", FACTS, {"facts": [{"text": ""}]}),
    ("post", FACTS, {"facts": [{"text": "canary", "importance": 2}]}),
    ("post", FACTS, {"facts": [{"text": "canary", "colour": "red"}]}),
    ("patch", f"{FACTS}/{UUID(int=7)}", {}),
    ("patch", f"{FACTS}/{UUID(int=7)}", {"pinned": True, "value": "canary"}),
    ("patch", f"{FACTS}/canary", {"text": "canary"}),
    ("delete", f"{FACTS}/canary", None),
    ("get", f"{FACTS}/canary/history", None),
    ("get", f"{FACTS}?as_of=2024-01-01T00:00:00", None),
    ("get", f"{FACTS}?time=heard", None),
    ("get", f"{FACTS}?limit=0", None),
)


def test_invalid_edits_are_refused_with_a_stable_code(api, hot_store):
    for method, path, body in INVALID_EDITS:
        answer = api.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), (method, path, body)
        assert "canary" not in answer.text
    assert not hot_store.keys("at:*pending*")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{BASE}/turns", {"turns": []}),
        (f"{BASE}/turns", {"turns": [{"role": "nobody", "content": "canary"}]}),
        (f"{BASE}/turns", {"turns": [{"role": "canary of more than twenty characters"}]}),
        (f"{BASE}/turns", {"turns": [{"role": "user"}]}),
        (f"{BASE}/turns", {"turns": [{"content": "canary"}]}),
        (f"{BASE}/turns", {"turns": [{}]}),
        (f"{BASE}/turns", {"turns": [{"role": "user", "content": "canary", "typo": 1}]}),
        (f"{BASE}/turns", {"turns": [{"role": "user", "content": "canary", "occurred_at": "2026-01-01T00:00:00"}]}),
        ("/v1/users/%00/sessions/chat/turns", {"turns": [{"role": "user", "content": "canary"}]}),
    ],
)
def test_invalid_turns_are_refused_with_a_stable_code_and_not_repeated(api, path, body, hot_store):
    answer = api.post(path, json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"invalid_input", "invalid_id"}
    assert "canary" not in answer.text
    assert not hot_store.keys("at:*pending*")


def test_limits_are_validated(api):
    for limit in ("0", "-1", "1000000000", "x"):
        assert api.get(f"{BASE}/memories", params={"limit": limit}).status_code == 422


def test_requests_need_the_api_key_if_one_is_set(settings, hot_store, tmp_path):
    guarded = type(settings)(**settings.model_dump(exclude_unset=True) | {"api_port": 0, "api_key": "s3cret"})
    with (
        Stack(guarded, data_dir=tmp_path / "stack", commands=COMMANDS, names=("api",)) as stack,
        httpx.Client(base_url=stack.address("api"), timeout=60) as client,
    ):
        assert client.get("/healthz").status_code == 200
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}):
            answer = client.get(f"{BASE}/turns", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert client.get(f"{BASE}/turns", headers={"Authorization": "Bearer s3cret"}).status_code == 200
