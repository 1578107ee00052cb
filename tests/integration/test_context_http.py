"""Contexts over real HTTP."""

import pytest

from api_shim import MemoryClient

BASE = "/v1/users/ana/sessions/chat"


def test_the_http_api_returns_the_same_context_as_the_client(api, settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    memory.write("user", "Where do I live?")
    answer = api.post(f"{BASE}/context", json={"query": "Where do I live?", "token_budget": 1_000})
    assert answer.status_code == 200
    expected = memory.context("Where do I live?", 1_000)
    assert answer.json()["messages"] == expected.messages
    assert answer.json()["tokens"] == expected.tokens
    assert answer.json()["memory_ids"] == list(expected.memory_ids)
    assert [part["name"] for part in answer.json()["parts"]][-1] == "recent"

    last = {"token_budget": 500, "history": {"kind": "last_turns", "limit": 1}, "shares": {"profile": 0}}
    messages = api.post(f"{BASE}/context", json=last).json()["messages"]
    assert messages[-1] == {"role": "user", "content": "Where do I live?"}
    important = {"token_budget": 500, "history": {"kind": "important_only"}, "role": "developer"}
    assert [message["role"] for message in api.post(f"{BASE}/context", json=important).json()["messages"]] == [
        "developer"
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token_budget": 0},
        {"token_budget": 10**9},
        {"token_budget": 100, "shares": {"recent": 2}},
        {"token_budget": 100, "shares": {"recent": 0.9}},
        {"token_budget": 100, "history": {"kind": "last_turns", "limit": -1}},
        {"token_budget": 100, "history": {"kind": "all"}},
        {"token_budget": 100, "role": "user"},
        {"token_budget": 100, "query": "x" * 100_000},
        {"token_budget": 100, "unknown": 1},
    ],
)
def test_a_bad_request_is_refused(settings, body):
    """Run in this process: a refused request does not reach Redis or Postgres."""
    from fastapi.testclient import TestClient

    from api_shim.http.app import create_app

    with TestClient(create_app(settings)) as client:
        refused = client.post(f"{BASE}/context", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_input")
