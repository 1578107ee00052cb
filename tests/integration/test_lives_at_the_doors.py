"""Lives, and what has faded, over HTTP, on the command line and by MCP."""

from datetime import UTC, datetime

import pytest

from api_shim import MemoryClient
from tests.fundamentals.scripted import Scripted, fact
from tests.integration.mcp.conftest import answer_of, open_stdio, run

COLD, ROME = "Ana has a cold.", "Ana plans to fly to Rome on 3 June 2023."
READS = "planned for 3 June 2023; outcome unknown"
FACTS = "/v1/users/ana/facts"
MEMORIES = "/v1/users/ana/sessions/chat/memories"


@pytest.fixture
def memory(settings, pipeline):
    """Ana had a cold, which has faded, and planned a flight, whose day has passed."""
    memory = MemoryClient("ana", "chat", settings=settings)
    told = [
        (
            "What a cold I have.",
            [fact(COLD, quote="What a cold I have.", life="state")],
            datetime(2022, 12, 1, tzinfo=UTC),
        ),
        (
            "I fly to Rome on 3 June.",
            [fact(ROME, quote="I fly to Rome on 3 June.", life="plan", valid_from="2023-06-03")],
            datetime(2023, 5, 1, tzinfo=UTC),
        ),
        ("Hello again after a long time.", [], datetime(2023, 6, 20, tzinfo=UTC)),
    ]
    pipeline.runtime.__dict__["extractor"] = Scripted(*(facts for _, facts, _ in told))
    for text, _, when in told:
        memory.write("user", text, name="Ana", occurred_at=when)
        pipeline.settle()
    return memory


def test_http(memory, api, pipeline):
    [plan] = api.get(FACTS).json()["facts"]
    assert (plan["text"], plan["life"], plan["is_outcome_unknown"]) == (ROME, "plan", True)
    assert plan["fades_at"].startswith("2023-12-01T00:00:00")
    assert [one["text"] for one in api.get(FACTS, params={"include_faded": True}).json()["facts"]] == [ROME, COLD]
    assert api.get(FACTS, params={"life": "state"}).json()["facts"] == []
    assert len(api.get(FACTS, params={"life": "state", "include_faded": True}).json()["facts"]) == 1
    assert api.get(FACTS, params={"life": "for a while"}).status_code == 422
    asked = {"query": "How is Ana?", "kinds": ["fact"]}
    [recalled] = api.get(MEMORIES, params=asked).json()["memories"]
    assert (recalled["life"], recalled["is_outcome_unknown"]) == ("plan", True)
    assert recalled["fades_at"] == plan["fades_at"]
    assert len(api.get(MEMORIES, params=asked | {"include_faded": True}).json()["memories"]) == 2
    given = {"facts": [{"text": "Ana is looking for a flat.", "life": "state"}]}
    [added] = api.post(FACTS, json=given).json()["fact_ids"]
    pipeline.settle()
    found = {one["fact_id"]: one for one in api.get(FACTS).json()["facts"]}
    assert (found[added]["life"], found[added]["fades_at"]) == ("state", None)
    changed = api.patch(f"{FACTS}/{added}", json={"text": "Ana has found a flat.", "life": "event"})
    pipeline.settle()
    [new] = changed.json()["fact_ids"]
    assert {one["fact_id"]: one["life"] for one in api.get(FACTS).json()["facts"]}[new] == "event"
    assert api.post(FACTS, json={"facts": [{"text": "Ana sings.", "life": "soon"}]}).status_code == 422


def test_the_command_line(memory, command):
    shown = command("facts", "--user", "ana").out
    assert READS in shown and COLD not in shown and "plan" in shown and "fades 2023-12-01" in shown
    assert COLD in command("facts", "--user", "ana", "--faded").out
    [plan] = command.json("facts", "--user", "ana", "--life", "plan")
    assert (plan["life"], plan["is_outcome_unknown"]) == ("plan", True)
    assert command("facts", "--user", "ana", "--life", "soon").code == 2
    recalled = command("recall", "ana", "How is Ana?", "--kind", "fact").out
    assert READS in recalled and COLD not in recalled
    assert COLD in command("recall", "ana", "How is Ana?", "--kind", "fact", "--faded").out


def test_mcp(memory, settings):
    async def ask():
        async with open_stdio(settings, "--user", "ana") as client:
            [plan] = (await answer_of(client, "list_facts"))["facts"]
            assert (plan["life"], plan["outcome"], plan["fades_at"][:10]) == ("plan", "unknown", "2023-12-01")
            both = (await answer_of(client, "list_facts", include_faded=True))["facts"]
            assert [one["text"] for one in both] == [ROME, COLD]
            [cold] = (await answer_of(client, "list_facts", include_faded=True, life="state"))["facts"]
            assert cold["text"] == COLD and "outcome" not in cold
            [recalled] = (await answer_of(client, "recall", query="How is Ana?", kinds=["fact"]))["memories"]
            assert (recalled["life"], recalled["outcome"]) == ("plan", "unknown")

    run(ask)
