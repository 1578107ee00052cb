"""Recall: the newest turns at once, facts and turns by words and by vectors, each with its evidence."""

import asyncio

import pytest

from afterturn.errors import InvalidInput, MemoryUnavailable
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections


def test_the_newest_turns_are_recalled_before_a_worker_has_read_them(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "My sister lives in Oslo.")
    memory.write("assistant", "How nice.")
    assert [found.text for found in memory.recall()] == ["How nice.", "My sister lives in Oslo."]
    found = memory.recall("Where does my sister live?")[0]
    assert found.text == "My sister lives in Oslo."
    assert found.evidence[0].position is None


def test_an_empty_memory_returns_no_results(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    assert memory.recall() == memory.recall("Where?") == memory.history() == []
    assert memory.summary() is None


def test_a_turn_is_found_in_every_state(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    turn_id = memory.write("user", "The parrot of my aunt is called Captain Flint.")
    for _ in range(3):
        assert turn_id in {said.turn_id for found in memory.recall("parrot") for said in found.evidence}
        pipeline.settle()


def test_history_unites_redis_and_postgres(settings, pipeline):
    memory = MemoryClient("ana", settings=settings.model_copy(update={"recent_turns": 5}))
    ids = [memory.write("user", f"turn {number}") for number in range(80)]
    pipeline.settle()
    ids += [memory.write("user", f"late turn {number}") for number in range(3)]
    assert [turn.turn_id for turn in memory.history(1_000)] == ids
    assert [turn.turn_id for turn in memory.history(2)] == ids[-2:]
    assert [turn.turn_id for turn in memory.history(60)] == ids[-60:]


def test_recall_without_a_query_goes_back_to_other_sessions(settings, pipeline):
    MemoryClient("ana", "monday", settings=settings).write("user", "on monday")
    pipeline.settle()
    assert [found.text for found in MemoryClient("ana", "tuesday", settings=settings).recall()] == ["on monday"]


def test_another_user_and_another_tenant_see_nothing(settings, pipeline):
    MemoryClient("ana", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    for stranger in (
        MemoryClient("ben", settings=settings),
        MemoryClient("ana", tenant_id="other", settings=settings),
    ):
        assert stranger.recall("Porto") == stranger.recall() == stranger.history() == []


def test_the_summary_follows_the_episodes(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    assert "Porto" in (memory.summary() or "")
    memory.write("user", "I adopted a dog called Rex.", name="Ana")
    pipeline.settle()
    assert "Porto" in (memory.summary() or "")
    assert "Rex" in (memory.summary() or "")


@pytest.mark.parametrize("limit", [0, -1, 10**9, 1.5, "3", True, None])
def test_a_limit_is_checked(settings, limit):
    memory = MemoryClient("ana", settings=settings)
    with pytest.raises(InvalidInput, match="limit"):
        memory.recall("x", limit)
    with pytest.raises(InvalidInput, match="limit"):
        memory.history(limit)


@pytest.mark.parametrize(
    "query", ["", " ", "\x00", "\N{GRINNING FACE}", "the of and", "'; DROP TABLE facts; --", "a & | !"]
)
def test_strange_questions_get_an_answer(settings, pipeline, query):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.")
    pipeline.settle()
    assert len(memory.recall(query)) <= 10


def test_a_question_has_a_largest_size(settings):
    with pytest.raises(InvalidInput, match="limit"):
        MemoryClient("ana", settings=settings).recall("x" * 1_000_000)


def test_with_postgres_away_the_recent_turns_are_still_recalled(settings, hot_store):
    away = settings.model_copy(
        update={
            "postgres_url": type(settings.postgres_url)("postgresql://u:p@127.0.0.1:1/x"),
            "postgres_timeout_seconds": 0.3,
        }
    )
    memory = MemoryClient("ana", settings=away)
    with pytest.raises(MemoryUnavailable, match="AFTERTURN_POSTGRES_URL"):
        memory.recall("anything")
    memory.write("user", "I live in Porto.")
    assert [turn.content for turn in memory.history()] == ["I live in Porto."]
    assert [found.text for found in memory.recall()] == ["I live in Porto."]
    assert [found.text for found in memory.recall("Who lives in Porto?")] == ["I live in Porto."]


def test_the_async_client_does_the_same(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()

    async def ask():
        ours = AsyncMemoryClient("ana", settings=settings)
        written = await asyncio.gather(*(ours.write("user", f"turn {number}") for number in range(20)))
        await ours.flush()
        recalled = await ours.recall("Where does Ana live?")
        newest = await ours.recall(limit=3)
        history = await ours.history(100)
        summary = await ours.summary()
        await close_async_connections()
        return written, recalled, newest, history, summary

    written, recalled, newest, history, summary = asyncio.run(ask())
    assert recalled == memory.recall("Where does Ana live?")
    assert newest == memory.recall(limit=3)
    assert history == memory.history(100)
    assert {turn.turn_id for turn in history} >= set(written)
    assert summary == memory.summary()


def test_a_client_is_shared_by_threads(settings, hot_store):
    from concurrent.futures import ThreadPoolExecutor

    memory = MemoryClient("ana", settings=settings)
    with ThreadPoolExecutor(8) as threads:
        ids = set(threads.map(lambda number: memory.write("user", f"turn {number}"), range(200)))
    assert {turn.turn_id for turn in memory.history(1_000)} == ids
    assert len(ids) == 200


def test_a_client_works_in_a_forked_child(settings, hot_store):
    import multiprocessing

    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "parent")
    child = multiprocessing.get_context("fork").Process(target=memory.write, args=("user", "child"))
    child.start()
    child.join(10)
    assert child.exitcode == 0
    assert [turn.content for turn in memory.history()] == ["parent", "child"]
