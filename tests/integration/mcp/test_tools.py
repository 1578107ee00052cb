"""What the tools do, with the pipeline behind them: over HTTP, and what depends on the transport over both."""

import json
from datetime import UTC, datetime

import pytest

from afterturn import MemoryClient
from tests.integration.mcp.conftest import (
    ERAS,
    answer_of,
    error_of,
    make_key,
    open_http,
    open_stdio,
    run,
    text_of,
)

BOTH_TRANSPORTS = pytest.mark.parametrize("transport", ["stdio", "http"])


@pytest.fixture
def transport():
    """The tools are the same over both; HTTP needs no process for each test."""
    return "http"


@pytest.fixture
def open_client(transport, settings, hot_store, request):
    """A function that connects Ana's client."""
    if transport == "stdio":
        return lambda era="2026-07-28": open_stdio(settings, "--user", "ana", era=era)
    address = request.getfixturevalue("http")
    key = make_key(settings, frozenset({"ana"}))
    return lambda era="2026-07-28": open_http(address, key, era=era)


@BOTH_TRANSPORTS
@pytest.mark.parametrize("era", ERAS)
def test_what_is_remembered_is_recalled_at_once_and_becomes_a_fact(open_client, pipeline, era):
    async def talk():
        async with open_client(era=era) as client:
            assert client.server_info.name == "afterturn"
            written = await answer_of(client, "remember", text="I live in Porto.", session_id="chat")
            assert written["session_id"] == "chat"
            at_once = await answer_of(client, "recall", query="Where does the user live?", session_id="chat")
            [turn] = at_once["memories"]
            assert (turn["kind"], turn["text"], turn["speaker"]) == ("turn", "I live in Porto.", "user")
            assert turn["id"] == f"turn/chat/{written['turn_id']}"
            pipeline.settle()
            recalled = (await answer_of(client, "recall", query="Where does the user live?", kinds=["fact"]))[
                "memories"
            ]
            [fact] = (await answer_of(client, "list_facts"))["facts"]
            assert [memory["id"] for memory in recalled] == [fact["fact_id"]]
            assert "Porto" in fact["text"] and fact["quotes"] == ["I live in Porto."]
            context = await answer_of(client, "get_context", query="Where do I live?", token_budget=500)
            assert "Porto" in json.dumps(context["messages"]) and 0 < context["tokens"] <= 500

    run(talk)


def test_threads_are_listed_with_their_facts(open_client, settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    for day, what in enumerate(("rented", "opened", "sold"), 1):
        memory.add_fact(f"Ana {what} the pottery studio.", subject="Ana", valid_from=datetime(2024, 1, day, tzinfo=UTC))
    pipeline.settle()
    pipeline.do("sleep", "default", "ana")

    async def read():
        async with open_client() as client:
            [thread] = (await answer_of(client, "list_threads"))["threads"]
            [*steps, last] = memory.threads()[0].fact_ids
            assert thread["title"] == "Pottery"
            assert [(step["day"], step["fact_ids"]) for step in thread["steps"]] == [
                ("2024-01-01", [steps[0]]),
                ("2024-01-02", [steps[1]]),
            ]
            assert thread["state"] == {"text": "Ana sold the pottery studio", "day": "2024-01-03", "fact_ids": [last]}

    run(read)


@pytest.mark.parametrize("era", ERAS)
def test_facts_are_corrected_and_forgotten(open_client, pipeline, era):
    async def talk():
        async with open_client(era=era) as client:
            await answer_of(client, "remember", text="I live in Porto.")
            pipeline.settle()
            [fact] = (await answer_of(client, "list_facts"))["facts"]
            corrected = await answer_of(client, "correct_fact", fact_id=fact["fact_id"], text="Ana lives in Braga.")
            pipeline.settle()
            [current] = (await answer_of(client, "list_facts"))["facts"]
            assert (current["fact_id"], current["text"]) == (corrected["fact_id"], "Ana lives in Braga.")
            both = (await answer_of(client, "list_facts", include_superseded=True))["facts"]
            assert {shown["status"] for shown in both} == {"current", "superseded"}
            for _ in range(2):
                assert await answer_of(client, "forget_fact", fact_id=current["fact_id"]) == {
                    "fact_id": current["fact_id"]
                }
                pipeline.settle()
                assert current["fact_id"] not in {
                    shown["fact_id"] for shown in (await answer_of(client, "list_facts"))["facts"]
                }

    run(talk)


@pytest.mark.parametrize("era", ERAS)
def test_search_and_fetch_have_the_form_that_chatgpt_requires(open_client, pipeline, era):
    async def talk():
        async with open_client(era=era) as client:
            await answer_of(
                client, "remember", text="I live in Porto, near the river.\nIt is quiet.", session_id="a b/c"
            )
            pipeline.settle()
            await answer_of(client, "remember", text="The flat in Porto has two rooms.")
            found = await client.call_tool("search", {"query": "Where does Ana live, in Porto?"})
            # One text with the same JSON as the structured content.
            assert json.loads(text_of(found)) == found.structured_content
            assert found.structured_content.keys() == {"results"}
            results = found.structured_content["results"]
            assert len(results) == 2 and all(result.keys() == {"id", "title", "url"} for result in results)
            assert all(result["url"].startswith("http://127.0.0.1:") for result in results)
            assert len({result["url"] for result in results}) == 2
            kinds = []
            for result in results:
                answer = await client.call_tool("fetch", {"id": result["id"]})
                document = answer.structured_content
                assert json.loads(text_of(answer)) == document
                assert document.keys() == {"id", "title", "text", "url", "metadata"}
                assert {name: document[name] for name in ("id", "title", "url")} == result
                assert all(isinstance(value, str) for value in document["metadata"].values())
                assert "Porto" in document["text"]
                kinds.append(document["metadata"]["kind"])
            assert sorted(kinds) == ["fact", "turn"]
            assert await answer_of(client, "search", query="quantum chromodynamics") is not None

    run(talk)


def test_fetch_returns_a_fact_with_its_evidence_and_its_status(open_client, pipeline):
    async def talk():
        async with open_client() as client:
            await answer_of(client, "remember", text="I live in Porto.")
            pipeline.settle()
            [fact] = (await answer_of(client, "list_facts"))["facts"]
            await answer_of(client, "correct_fact", fact_id=fact["fact_id"], text="Ana lives in Braga.")
            pipeline.settle()
            old = await answer_of(client, "fetch", id=fact["fact_id"])
            assert old["metadata"]["status"] == "superseded"
            assert old["text"].splitlines()[0] == fact["text"]
            assert old["text"].endswith("“I live in Porto.”")

    run(talk)


@BOTH_TRANSPORTS
def test_long_texts_are_shortened_by_recall_and_whole_in_fetch(open_client):
    said = "Porto " * 1_000

    async def talk():
        async with open_client() as client:
            await answer_of(client, "remember", text=said)
            [memory] = (await answer_of(client, "recall", query="Porto"))["memories"]
            assert memory["is_shortened"] and len(memory["text"]) == 2_001
            assert (await answer_of(client, "fetch", id=memory["id"]))["text"].strip() == said.strip()

    run(talk)


def test_a_turn_that_is_removed_or_holds_a_secret_is_shown_as_recall_shows_it(open_client, settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    removed = memory.write("user", "I live in Porto.")
    secret = memory.write("user", "My password is hunter2-Xy9!")

    async def talk():
        async with open_client() as client:
            for archive in (lambda: None, pipeline.settle):
                archive()
                shown = await answer_of(client, "fetch", id=f"turn/chat/{secret}")
                assert "hunter2" not in json.dumps(shown)
            memory.remove(removed)
            assert "not_found" in await error_of(client, "fetch", id=f"turn/chat/{removed}")
            pipeline.settle()
            assert "not_found" in await error_of(client, "fetch", id=f"turn/chat/{removed}")

    run(talk)


def test_a_repeated_call_with_a_turn_id_stores_nothing_twice(open_client):
    async def talk():
        async with open_client() as client:
            for _ in range(2):
                await answer_of(client, "remember", text="I live in Porto.", turn_id="t-1")
            assert len((await answer_of(client, "recall", query="Porto"))["memories"]) == 1
            error = await error_of(client, "remember", text="I live in Rome.", turn_id="t-1")
            assert error.startswith("turn_id_used: turn_id: ") and "t-1" not in error

    run(talk)


def test_facts_come_in_pages(open_client, settings, pipeline):
    MemoryClient("ana", settings=settings).add_facts([{"text": f"Ana owns boat {number}."} for number in range(5)])
    pipeline.settle()

    async def talk():
        async with open_client() as client:
            pages, cursor = [], None
            while True:
                more = {} if cursor is None else {"cursor": cursor}
                page = await answer_of(client, "list_facts", limit=2, **more)
                pages.append([fact["text"] for fact in page["facts"]])
                if (cursor := page.get("next_cursor")) is None:
                    break
            assert [len(page) for page in pages] == [2, 2, 1]
            assert len({text for page in pages for text in page}) == 5

    run(talk)


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["stdio"])
def test_with_workers_running_what_is_remembered_becomes_a_fact(open_client, workers, settings):
    async def talk():
        async with open_client() as client:
            for number in range(20):
                await answer_of(client, "remember", text=f"I own {number + 2} cats.")
            await answer_of(client, "remember", text="I live in Porto.")
            MemoryClient("ana", "mcp", settings=settings).flush(wait_seconds=60)
            facts = (await answer_of(client, "recall", query="Where does Ana live?", kinds=["fact"]))["memories"]
            assert any("Porto" in fact["text"] for fact in facts)
            [porto] = [fact for fact in facts if "Porto" in fact["text"]]
            await answer_of(client, "forget_fact", fact_id=porto["id"])
            MemoryClient("ana", "mcp", settings=settings).flush(wait_seconds=60)
            left = (await answer_of(client, "recall", query="Where does Ana live?", kinds=["fact"]))["memories"]
            assert not any("Porto" in fact["text"] for fact in left)

    run(talk)
