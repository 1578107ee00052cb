"""An answer is verified once, when its batch is extracted; later stages read the stored candidates."""

from collections import Counter
from contextlib import contextmanager
from uuid import UUID

import psycopg
import psycopg_pool
import pytest

from afterturn.extraction import answer, verification
from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

GIVEN = {
    "facts": [
        {
            "text": "Ana lives in Lisbon.",
            "category": "place",
            "topics": ["home"],
            "subject": "Ana",
            "attribute": "lives_in",
            "value": "Lisbon",
            "importance": 0.7,
            "valid_from": "2024-01",
            "evidence": [{"turn": 1, "quote": "I live in Lisbon"}],
        },
        {"text": "Ana owns a boat.", "evidence": [{"turn": 1, "quote": "I own a boat"}]},
    ],
    "episode": {
        "title": "A home",
        "summary": "Ana told where she lives.",
        "outcome": "resolved",
        "participants": ["Ana"],
    },
}


@pytest.fixture
def llm_server():
    with LLMServer() as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "retry_seconds": 0.05}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def pipeline(with_llm, hot_store, judged):
    with Pipeline(with_llm) as opened:
        yield opened


@pytest.fixture
def memory(with_llm):
    return MemoryClient("ana", "chat", settings=with_llm)


@pytest.fixture
def given(llm_server):
    """The next extraction is answered with GIVEN."""
    llm_server.queue(GIVEN, on="extract")


def up_to(pipeline: Pipeline, stage: str) -> UUID:
    """Work until this stage is the next one, take its hint away, and return its batch."""
    while True:
        if not pipeline.hints.waiting:
            assert any(pipeline.sweep().values()), f"nothing leads to {stage}"
        if pipeline.hints.waiting[0][0] == stage:
            return UUID(pipeline.hints.waiting.popleft()[1][2])
        pipeline.step()


def rows(database: psycopg.Connection, table: str) -> list[tuple]:
    return database.execute(f"SELECT * FROM {table}").fetchall()


@contextmanager
def counted(monkeypatch, module, name):
    """Count the calls of a function, which does what it did."""
    counts: Counter[str] = Counter()
    original = getattr(module, name)

    def count(*arguments, **options):
        counts[name] += 1
        return original(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, count)
        yield counts


def test_a_judged_batch_is_parsed_and_verified_once(memory, pipeline, given, llm_server, monkeypatch):
    memory.write("user", "I live in Lisbon and I own a boat.", name="Ana")
    pipeline.settle()
    llm_server.queue({"facts": [{"text": "Ana rows.", "evidence": [{"turn": 1, "quote": "I row"}]}]}, on="extract")
    memory.write("user", "I row, too.", name="Ana")
    with (
        counted(monkeypatch, verification, "verify") as verified,
        counted(monkeypatch, answer, "parse") as parsed,
    ):
        pipeline.settle()
    assert len(llm_server.calls("judge")) == 1
    assert (verified["verify"], parsed["parse"]) == (1, 1)
    assert {fact.text for fact in memory.facts()} == {"Ana lives in Lisbon.", "Ana owns a boat.", "Ana rows."}


def test_a_stored_candidate_becomes_the_fact_that_the_answer_gave(memory, pipeline, given, database):
    memory.write("user", "I live in Lisbon and I own a boat.", name="Ana")
    pipeline.settle()
    [home] = memory.facts(attribute="lives_in")
    assert (home.text, home.category, home.topics, home.subject, home.value, home.importance) == (
        "Ana lives in Lisbon.",
        "place",
        ("home",),
        "Ana",
        "Lisbon",
        pytest.approx(0.7),
    )
    assert home.valid_from is not None and home.valid_from.isoformat() == "2024-01-01T00:00:00+00:00"
    assert [said.quote for said in home.evidence] == ["I live in Lisbon"]
    assert database.execute("SELECT title, outcome, participants FROM episodes").fetchall() == [
        ("A home", "resolved", ["Ana"])
    ]


def test_what_release_0_1_extracted_is_verified_again_and_becomes_the_same(memory, pipeline, given, database):
    memory.write("user", "I live in Lisbon and I own a boat.", name="Ana")
    batch_id = up_to(pipeline, "embed")
    # Release 0.1 stores neither candidates nor when the answer was verified.
    database.execute("UPDATE batches SET verified_at = NULL")
    for table in ("candidates", "episode_drafts", "rejections"):
        database.execute(f"DELETE FROM {table}")
    assert pipeline.do("embed", "default", "ana", str(batch_id))
    pipeline.settle()
    assert {fact.text for fact in memory.facts()} == {"Ana lives in Lisbon.", "Ana owns a boat."}
    assert len(rows(database, "episodes")) == 1


def test_what_an_older_worker_extracted_again_is_not_read_from_the_old_candidates(memory, pipeline, given, database):
    memory.write("user", "I live in Lisbon and I own a boat.", name="Ana")
    batch_id = up_to(pipeline, "embed")
    # Another extraction, by a worker that knows of no candidates: theirs are those of the answer before.
    database.execute("UPDATE batches SET extracted_at = extracted_at + interval '1 second'")
    database.execute("UPDATE candidates SET text = 'Ana lives nowhere.'")
    assert pipeline.do("embed", "default", "ana", str(batch_id))
    pipeline.settle()
    assert {fact.text for fact in memory.facts()} == {"Ana lives in Lisbon.", "Ana owns a boat."}


@pytest.mark.parametrize("is_applied", [False, True])
def test_undo_takes_the_candidates_along(memory, pipeline, given, database, is_applied):
    turn_id = memory.write("user", "I live in Lisbon and I own a boat.", name="Ana")
    if is_applied:
        pipeline.settle()
    else:
        up_to(pipeline, "embed")
    assert len(rows(database, "candidates")) == 2
    assert len(rows(database, "episode_drafts")) == 1
    memory.remove(turn_id)
    pipeline.settle()
    assert rows(database, "candidates") == rows(database, "episode_drafts") == []
    assert "Lisbon" not in str(rows(database, "answers"))
    assert memory.facts() == []


def test_a_rejected_candidate_is_counted_when_the_answer_is_verified(memory, pipeline, given, database):
    memory.write("user", "Nothing of the kind was ever said here.", name="Ana")
    up_to(pipeline, "embed")
    assert database.execute("SELECT candidate_index, reason FROM rejections ORDER BY 1").fetchall() == [
        (0, "quote_not_found"),
        (1, "quote_not_found"),
    ]
    pipeline.settle()
    assert len(rows(database, "rejections")) == 2


#: Round trips to Postgres and checkouts of a connection that one stage may take for a batch, however many candidates
#: it has. `executemany` is one round trip.
LIMITS = {"extract": (11, 4), "embed": (10, 2), "consolidate": (13, 3)}


@pytest.mark.parametrize("facts", [2, 12])
def test_a_batch_takes_few_round_trips_and_connections(memory, pipeline, llm_server, monkeypatch, facts):
    said = [f"My friend number {number} plays the cello." for number in range(facts)]
    llm_server.queue(
        {"facts": [{"text": text, "evidence": [{"turn": 1, "quote": text}]} for text in said]}, on="extract"
    )
    used: dict[str, tuple[int, int]] = {}
    counts: Counter[str] = Counter()
    execute, executemany, getconn = (
        psycopg.Cursor.execute,
        psycopg.Cursor.executemany,
        psycopg_pool.ConnectionPool.getconn,
    )

    def count_execute(cursor, *arguments, **options):
        counts["round trips"] += 1
        return execute(cursor, *arguments, **options)

    def count_many(cursor, query, rows, **options):
        counts["round trips"] += 1
        return executemany(cursor, query, rows, **options)

    def count_getconn(pool, *arguments, **options):
        counts["checkouts"] += 1
        return getconn(pool, *arguments, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", count_execute)
    monkeypatch.setattr(psycopg.Cursor, "executemany", count_many)
    monkeypatch.setattr(psycopg_pool.ConnectionPool, "getconn", count_getconn)
    memory.write("user", " ".join(said), name="Ana")
    while len(used) < len(LIMITS):
        if not pipeline.hints.waiting:
            pipeline.sweep()
        counts.clear()
        stage = pipeline.step()
        if stage in LIMITS:
            used[stage] = (counts["round trips"], counts["checkouts"])
    exceeded = {
        stage: used[stage]
        for stage, (most_round_trips, most_checkouts) in LIMITS.items()
        if used[stage][0] > most_round_trips or used[stage][1] > most_checkouts
    }
    assert exceeded == {}
