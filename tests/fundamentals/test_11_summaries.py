"""The session's summary: of bounded length, traced to episodes, and at a constant cost."""

import asyncio

import pytest

from afterturn import tokens
from afterturn.settings import Settings
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from harness.pipeline import Pipeline

CANARY = "Zanzibar"


@pytest.fixture
def short_runs(settings):
    """Two episodes make a digest, two digests a wider one; each turn is an episode."""
    return type(settings)(**settings.model_dump(exclude_unset=True) | {"summary_run": 2, "batch_turns": 1})


@pytest.fixture
def pipeline(short_runs, hot_store):
    with Pipeline(short_runs) as opened:
        yield opened


@pytest.fixture
def memory(short_runs):
    return MemoryClient("ana", "chat", settings=short_runs)


@pytest.fixture
def talk(memory, pipeline):
    """Write turns, one episode each, and process them; return the turns' ids."""

    def write_and_process(*texts):
        written = [memory.write("user", text, name="Ana") for text in texts]
        pipeline.settle()
        return written

    return write_and_process


def digests(database):
    """Level, first number, last number and whether it has statements, of every digest."""
    rows = "SELECT level, first_user_seq, last_user_seq, statements IS NOT NULL FROM digests ORDER BY 1, 2"
    return database.execute(rows).fetchall()


def spans(database):
    return [row[:3] for row in digests(database)]


def made_at(database):
    rows = database.execute("SELECT level, first_user_seq, made_at FROM digests").fetchall()
    return {(level, first): moment for level, first, moment in rows}


def cities(count):
    return [f"I visited the town of Xyl{number}." for number in range(1, count + 1)]


def everything_derived(database):
    queries = (
        "SELECT statements FROM digests",
        "SELECT text, statements FROM summaries",
        "SELECT title, summary FROM episodes",
    )
    return " ".join(str(row) for query in queries for row in database.execute(query).fetchall())


def test_episodes_become_digests_and_these_become_wider_ones(talk, memory, database):
    talk(*cities(10))
    assert spans(database) == [(0, 1, 2), (0, 3, 4), (0, 5, 6), (0, 7, 8), (1, 1, 4)]
    summary = memory.session_summary()
    assert memory.summary() == summary.text == "\n".join(statement.text for statement in summary.statements)
    assert [f"Xyl{number}" in summary.text for number in range(1, 11)] == [True] * 10


def test_each_statement_names_its_episodes(talk, memory, database):
    talk(*cities(10))
    episodes = dict(database.execute("SELECT batch_id::text, summary FROM episodes").fetchall())
    statements = memory.session_summary().statements
    assert {episode_id for statement in statements for episode_id in statement.episode_ids} <= set(episodes)
    for statement in statements:
        [town] = {word.strip(".") for word in statement.text.split() if word.startswith("Xyl")}
        assert any(town in episodes[episode_id] for episode_id in statement.episode_ids)


def test_the_length_of_a_summary_is_limited(talk, memory, short_runs, pipeline):
    limited = short_runs.model_copy(update={"summary_tokens": 60})
    with Pipeline(limited) as bounded:
        for text in cities(12):
            memory.write("user", text, name="Ana")
        bounded.settle()
    summary = memory.summary()
    assert tokens.estimate(summary) <= 60
    assert "Xyl12" in summary


def test_summarized_turns_are_still_recalled(talk, memory):
    talk(*cities(10))
    assert any("Xyl1." in found.text for found in memory.recall("Xyl1"))


def test_removing_a_turn_remakes_only_the_digests_that_cover_it(talk, memory, pipeline, database):
    ids = talk("I visited Porto.", "I visited Rome.", f"I live in {CANARY}.", *cities(7))
    before = made_at(database)
    memory.remove(ids[2])
    pipeline.do("archive", [["default", "ana", "chat"]])
    # The removed text is gone at once, and the rest is still there.
    assert CANARY not in everything_derived(database) + memory.summary()
    assert "Porto" in memory.summary() and "Xyl7" in memory.summary()
    assert {row[:3] for row in digests(database) if not row[3]} == {(0, 3, 4), (1, 1, 4)}
    pipeline.settle()
    assert CANARY not in everything_derived(database) + memory.summary()
    assert all(row[3] for row in digests(database))
    assert {key for key, moment in made_at(database).items() if moment != before[key]} == {(0, 3), (1, 1)}


def test_a_digest_without_remaining_episodes_is_deleted(talk, memory, pipeline, database):
    ids = talk(*cities(10))
    for turn_id in ids[2:4]:
        memory.remove(turn_id)
    pipeline.settle()
    assert spans(database) == [(0, 1, 2), (0, 5, 6), (0, 7, 8), (1, 1, 4)]
    for turn_id in (*ids[:2], *ids[4:]):
        memory.remove(turn_id)
    pipeline.settle()
    assert spans(database) == []
    assert memory.summary() is None
    assert memory.session_summary() is None
    talk(*cities(4))
    assert "Xyl4" in memory.summary()


def test_summarizing_an_unchanged_session_writes_nothing(talk, memory, pipeline, database):
    talk("I live in Porto.", *cities(6))

    def rows():
        tables = ("summaries", "digests", "profiles")
        return [
            database.execute(f"SELECT xmin::text, ctid::text FROM {table} ORDER BY ctid").fetchall() for table in tables
        ]

    before = rows()
    assert all(before)
    assert pipeline.do("summarize", *("default", "ana", "chat")) is False
    database.execute("UPDATE sessions SET summarized_through = 0")
    assert pipeline.do("summarize", *("default", "ana", "chat")) is True
    assert rows() == before


def test_the_asyncio_client_returns_the_same_summaries(short_runs, talk, memory):
    talk("I live in Porto.", *cities(6))

    async def ask():
        ours = AsyncMemoryClient("ana", "chat", settings=short_runs)
        found = await ours.summary(), await ours.session_summary(), await ours.profile(), await ours.preferences()
        await ours.set_preference("colour", "green")
        await close_async_connections()
        return found

    found = asyncio.run(ask())
    assert found == (memory.summary(), memory.session_summary(), memory.profile(), memory.preferences())


def test_the_limits_are_settings():
    assert (Settings().summary_tokens, Settings().summary_run, Settings().profile_tokens) == (400, 8, 250)
