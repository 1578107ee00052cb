"""Filters exclude memories without changing the order, pages are complete, and every query finds the same number."""

from datetime import UTC, datetime

import pytest

from afterturn.errors import InvalidInput
from api_shim import MemoryClient


def at(year, month=1, day=1):
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.fixture
def ana(settings, pipeline):
    """Two conversations with two agents, over three years."""
    home = MemoryClient("ana", "home", "butler", settings=settings)
    home.write("user", "I live in Porto.", name="Ana", occurred_at=at(2021), metadata={"place": "kitchen"})
    home.write("assistant", "Porto is lovely.", occurred_at=at(2021, 2))
    pipeline.settle()
    work = MemoryClient("ana", "work", "clerk", settings=settings)
    work.write("user", "I live in Lisbon.", name="Ana", occurred_at=at(2023), metadata={"place": "office", "tags": [1]})
    work.write("user", "I like Porto wine.", name="Ana", occurred_at=at(2023, 2))
    pipeline.settle()
    return MemoryClient("ana", "asking", settings=settings)


def said_in(found):
    return {said.session_id for memory in found for said in memory.evidence}


def texts(found):
    return [memory.text for memory in found]


def test_each_filter_excludes_memories(ana):
    question = "Where does Ana live?"
    assert said_in(ana.recall(question, session_id="home")) == {"home"}
    assert said_in(ana.recall(question, agent_id="clerk")) == {"work"}
    assert said_in(ana.recall(question, metadata={"place": "kitchen"})) == {"home"}
    assert said_in(ana.recall(question, metadata={"tags": [1]})) == {"work"}
    assert said_in(ana.recall(question, until=at(2022))) == {"home"}
    assert said_in(ana.recall(question, since=at(2022))) == {"work"}
    assert {memory.kind for memory in ana.recall(question, kinds=["fact"])} == {"fact"}
    assert {memory.kind for memory in ana.recall(question, kinds=["turn"])} == {"turn"}
    assert {memory.kind for memory in ana.recall(question, kinds=["episode"])} == {"episode"}
    assert ana.recall(question, session_id="nowhere") == ana.recall(question, agent_id="nobody") == []
    assert ana.recall(question, topics=["no such topic"]) == ana.recall(question, since=at(2030)) == []
    assert ana.recall(question, time="recorded", until=at(2022)) == []


def test_filters_do_not_change_scores(ana):
    everything = {memory.memory_id: memory.score for memory in ana.recall("Porto", 100, kinds=["turn"])}
    for memory in ana.recall("Porto", 100, kinds=["turn"], session_id="home"):
        assert memory.score == everything[memory.memory_id]
    least = sorted(everything.values())[-2]
    assert {memory.score for memory in ana.recall("Porto", 100, kinds=["turn"], min_score=least)} == {
        score for score in everything.values() if score >= least
    }


def test_as_of_in_the_world_and_as_recorded(ana):
    question, facts = "Where does Ana live?", ["fact"]
    assert "Ana lives in Lisbon." in texts(ana.recall(question, kinds=facts))
    assert "Ana lives in Porto." not in texts(ana.recall(question, kinds=facts))
    assert texts(ana.recall(question, kinds=facts, include_superseded=True))[-1] == "Ana lives in Porto."
    assert texts(ana.recall(question, kinds=facts, as_of=at(2022))) == ["Ana lives in Porto."]
    assert texts(ana.recall(question, kinds=facts, as_of=at(2022), time="recorded")) == []
    assert "Ana lives in Lisbon." in texts(ana.recall(question, kinds=facts, as_of=datetime.now(UTC), time="recorded"))


@pytest.mark.parametrize("query", ["Where does Ana live?", None])
def test_pages_contain_every_result_once(ana, query):
    whole = ana.recall(query, 100)
    pages, cursor = [], None
    while page := ana.recall(query, 2, cursor=cursor):
        pages += page
        cursor = page[-1].cursor
    assert [one.memory_id for one in pages] == [one.memory_id for one in whole]
    assert len(whole) >= 4


def test_a_cursor_of_another_question_is_refused(ana, settings):
    [first] = ana.recall("Porto", 1)
    with pytest.raises(InvalidInput, match="another"):
        ana.recall("Lisbon", cursor=first.cursor)
    with pytest.raises(InvalidInput, match="another"):
        ana.recall("Porto", cursor=first.cursor, session_id="home")
    with pytest.raises(InvalidInput, match="another"):
        MemoryClient("ben", settings=settings).recall("Porto", cursor=first.cursor)


def test_without_a_question_by_importance(ana):
    found = ana.recall(order="importance")
    assert {memory.kind for memory in found} == {"fact"}
    assert [memory.importance for memory in found] == sorted((memory.importance for memory in found), reverse=True)
    newest = ana.recall(kinds=["turn"], order="newest")
    assert [memory.said_at for memory in newest] == sorted((memory.said_at for memory in newest), reverse=True)


def test_each_score_is_explained(ana):
    for memory in ana.recall("Where does Ana live?", explain=True):
        assert memory.score == pytest.approx(sum(memory.score_parts.values()))
    assert ana.recall("Where does Ana live?")[0].score_parts is None


@pytest.mark.parametrize(
    "given",
    [
        {"kinds": []},
        {"kinds": ["dream"]},
        {"topics": []},
        {"topics": [7]},
        {"session_id": ""},
        {"agent_id": "x" * 1_000},
        {"since": datetime(2024, 1, 1)},
        {"until": "2024"},
        {"since": at(2024), "until": at(2023)},
        {"as_of": 7},
        {"time": "martian"},
        {"min_score": float("nan")},
        {"min_score": "high"},
        {"include_superseded": "yes"},
        {"metadata": {}},
        {"metadata": {"key": {1, 2}}},
        {"metadata": [1]},
        {"order": "random", "query": None},
        {"order": "newest"},
        {"min_score": 1.0, "query": None},
        {"cursor": "no cursor"},
    ],
    ids=str,
)
def test_what_cannot_be_a_filter_is_refused(settings, given):
    with pytest.raises(InvalidInput, match="|".join(name for name in given if name != "query")):
        MemoryClient("ana", settings=settings).recall(**{"query": "Porto"} | given)


def test_pending_turns_are_filtered_too(settings, hot_store):
    memory = MemoryClient("ana", "chat", "butler", settings=settings)
    memory.write("user", "I live in Porto.", occurred_at=at(2021), metadata={"tags": [1, {"deep": True}]})
    assert len(memory.recall("Porto", agent_id="butler", session_id="chat", until=at(2022))) == 1
    assert len(memory.recall("Porto", metadata={"tags": [{"deep": True}]})) == 1
    for nothing in ({"agent_id": "clerk"}, {"since": at(2022)}, {"kinds": ["fact"]}, {"metadata": {"tags": [2]}}):
        assert memory.recall("Porto", **nothing) == []


def test_the_hundredth_query_finds_as_much_as_the_first(settings, pipeline):
    memory = MemoryClient("ana", settings=settings)
    memory.write_many(
        {"role": "user", "content": f"Turn number {number} of mine.", "name": "Ana"} for number in range(20)
    )
    pipeline.settle()
    for number in range(100):
        limit = 1 + number % 25
        assert len(memory.recall(f"number {number % 20}", limit, kinds=["turn"], session_id="default")) == min(
            limit, 20
        )
