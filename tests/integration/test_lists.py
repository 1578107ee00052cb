"""Lists in pages: sessions, episodes, facts and earlier turns; closing and clearing a session."""

from datetime import UTC, datetime, timedelta

import pytest

from afterturn import InvalidInput, MemoryClient

START = datetime(2024, 3, 1, tzinfo=UTC)


def client(settings, session_id="chat", user_id="ana"):
    return MemoryClient(user_id, session_id, settings=settings)


def pages(read, *, limit):
    """Read a list to its end, page by page."""
    cursor, found = None, []
    while True:
        page = read(limit=limit, cursor=cursor)
        found += page
        if len(page) < limit:
            return found
        cursor = page[-1].cursor


def test_sessions_are_listed_in_pages_the_last_active_first(settings, pipeline):
    for number in range(7):
        client(settings, f"chat-{number}").write("user", f"I have {number} cats.")
        pipeline.settle()
    client(settings, "chat-2").write("user", "Hello again.")
    pipeline.settle()
    client(settings, "new/one").write("user", "Not archived yet.")
    client(settings, "chat-9", "ben").write("user", "Ben's.")
    memory = client(settings)
    memory.add_fact("Ana has cats.")
    listed = memory.sessions()
    assert [session.session_id for session in listed] == [
        "new/one", "chat-2", "chat-6", "chat-5", "chat-4", "chat-3", "chat-1", "chat-0",
    ]  # fmt: skip
    assert [(session.turns, session.is_pending) for session in listed[:3]] == [(0, True), (2, False), (1, False)]
    assert listed[1].last_active_at and listed[1].created_at and listed[1].last_said_at
    for limit in (1, 2, 3, 8):
        assert [session.session_id for session in pages(memory.sessions, limit=limit)] == [
            session.session_id for session in listed
        ]


def test_a_user_without_sessions_has_an_empty_list(settings, hot_store):
    memory = client(settings, user_id="nobody")
    assert (memory.sessions(), memory.episodes(), memory.facts()) == ([], [], [])


def test_earlier_turns_are_read_page_by_page_in_redis_and_in_postgres(settings, pipeline):
    memory = client(settings)
    ids = [memory.write("user", f"turn {number}") for number in range(25)]
    pipeline.settle()
    ids += [memory.write("user", f"turn {number}") for number in range(25, 31)]
    seen, before = [], None
    while page := memory.history(4, before=before):
        seen = [turn.turn_id for turn in page] + seen
        before = page[0].turn_id
    assert seen == ids
    memory.remove(ids[3])
    assert [turn.turn_id for turn in memory.history(3, before=ids[4])] == ids[:3]
    pipeline.settle()
    assert [turn.turn_id for turn in memory.history(3, before=ids[4])] == ids[:3]
    assert [turn.turn_id for turn in memory.history(2, before=ids[3])] == ids[1:3]
    assert memory.history(3, before=ids[0]) == []
    with pytest.raises(InvalidInput):
        memory.history(3, before="unknown")
    with pytest.raises(InvalidInput):
        client(settings, "other").history(3, before=ids[4])


def test_episodes_by_time_and_by_similarity(settings, pipeline):
    said = ("I adopted a dog.", "I live in Porto.", "I play the piano.")
    for number, text in enumerate(said):
        at = START + timedelta(days=number)
        client(settings, f"chat-{number}").write("user", text, name="Ana", occurred_at=at)
        pipeline.settle()
    memory = client(settings)
    listed = memory.episodes()
    assert [episode.session_id for episode in listed] == ["chat-2", "chat-1", "chat-0"]
    assert listed[0].ended_at == START + timedelta(days=2) and len(listed[0].turn_ids) == 1
    assert [e.session_id for e in memory.episodes(since=START + timedelta(days=1))] == ["chat-2", "chat-1"]
    assert [e.session_id for e in memory.episodes(until=START + timedelta(days=1))] == ["chat-0"]
    assert [e.session_id for e in memory.episodes(session_id="chat-1")] == ["chat-1"]
    assert pages(memory.episodes, limit=1) == listed
    [best] = memory.episodes("Where does Ana live? Porto", limit=1)
    assert (best.session_id, best.score is not None, best.title) == ("chat-1", True, listed[1].title)
    client(settings, "chat-1").remove(listed[1].turn_ids[0])
    assert [e.session_id for e in memory.episodes()] == ["chat-2", "chat-0"]
    assert [e.session_id for e in pages(memory.episodes, limit=1)] == ["chat-2", "chat-0"]
    with pytest.raises(InvalidInput):
        memory.episodes(since=START, until=START)


def test_facts_are_read_page_by_page(settings, pipeline):
    memory = client(settings)
    memory.add_facts([{"text": f"Ana has cat {number}.", "topics": ["cats"]} for number in range(9)])
    memory.add_fact("Ana lives in Porto.")
    pipeline.settle()
    everything = memory.facts()
    assert len(everything) == 10
    for limit in (1, 3, 10):
        read = pages(lambda **page: memory.facts(**page), limit=limit)
        assert [fact.fact_id for fact in read] == [fact.fact_id for fact in everything]
    cats = pages(lambda **page: memory.facts(topic="cats", **page), limit=4)
    assert len({fact.fact_id for fact in cats}) == 9


@pytest.mark.parametrize("cursor", ["x", "", "e30", "W10", "WyJhIl0", "\u20ac", "A" * 5_000, "bnVsbA", "WwAA"])
def test_a_cursor_that_no_list_returned_is_refused(settings, hot_store, cursor):
    memory = client(settings)
    for read in (memory.sessions, memory.episodes, memory.facts):
        with pytest.raises(InvalidInput):
            read(cursor=cursor)


def test_a_cursor_of_another_user_or_filter_is_refused(settings, pipeline):
    memory = client(settings)
    memory.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    [session], [episode], [fact] = memory.sessions(), memory.episodes(), memory.facts()
    ben = client(settings, user_id="ben")
    for read, cursor in (
        (ben.sessions, session.cursor),
        (ben.episodes, episode.cursor),
        (ben.facts, fact.cursor),
        (memory.facts, session.cursor),
        (lambda cursor: memory.facts(topic="home", cursor=cursor), fact.cursor),
    ):
        with pytest.raises(InvalidInput, match="cursor"):
            read(cursor=cursor)


def test_a_closed_session_is_processed_without_waiting(settings, pipeline, hot_store):
    slow = type(settings)(**settings.model_dump(exclude_unset=True) | {"batch_idle_seconds": 3_600})
    memory = client(slow)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.close_session()
    pipeline.settle()
    assert [fact.text for fact in memory.facts()] == ["Ana lives in Porto."]
    memory.write("user", "Hello again.")
    assert len(memory.history()) == 2


def test_a_cleared_session_has_no_turns_and_leaves_no_facts(settings, pipeline):
    memory, other = client(settings), client(settings, "other")
    for number in range(1_203):
        memory.write("user", f"turn {number}") if number else memory.write("user", "I live in Porto.", name="Ana")
    other.write("user", "I have a dog.", name="Ana")
    pipeline.settle()
    memory.write("user", "Not archived yet.")
    assert {fact.text for fact in memory.facts()} == {"Ana lives in Porto.", "Ana has a dog."}
    assert memory.clear_session() == 1_204
    assert memory.history() == []
    assert memory.clear_session() == 0
    pipeline.settle()
    assert (memory.history(), memory.clear_session()) == ([], 0)
    assert [fact.text for fact in memory.facts()] == ["Ana has a dog."]
    assert len(other.history()) == 1
    memory.write("user", "A new beginning.")
    assert [turn.content for turn in memory.history()] == ["A new beginning."]
