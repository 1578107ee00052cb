"""Undo of what was applied: what rests on the turn alone is retracted, and what it had superseded is current again."""

from datetime import UTC, datetime

import pytest

from afterturn.summaries.offline import OfflineSummarizer
from api_shim import MemoryClient

CANARY = "Zanzibar"


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", settings=settings)


@pytest.fixture
def say(memory, pipeline):
    """Say something in a year, and let it become facts."""

    def said(text, year, session=None):
        written = (session or memory).write("user", text, name="Ana", occurred_at=datetime(year, 1, 1, 12, tzinfo=UTC))
        pipeline.settle()
        return written

    return said


@pytest.fixture
def take_back(memory, pipeline):
    def taken_back(*turn_ids):
        for turn_id in turn_ids:
            memory.remove(turn_id)
        pipeline.settle()

    return taken_back


def facts(database):
    """All versions of all facts, in the order in which they were learnt."""
    rows = database.execute("SELECT text, status FROM facts ORDER BY recorded_at, said_at").fetchall()
    return [(text.removeprefix("Ana lives in ").removesuffix("."), status) for text, status in rows]


def current(database):
    return [text for text, status in facts(database) if status == "current"]


def texts(database, statement):
    return " ".join(str(row) for row in database.execute(statement).fetchall())


def derived(database):
    """All that is made of turns, but for facts that are retracted."""
    statements = (
        "SELECT text FROM facts WHERE status <> 'retracted'",
        "SELECT title, summary FROM episodes",
        "SELECT text, statements FROM summaries",
        "SELECT statements FROM digests",
        "SELECT text FROM profiles",
        "SELECT answer FROM answers",
        "SELECT display_name FROM users",
    )
    return " ".join(texts(database, statement) for statement in statements)


def test_facts_episode_summary_and_profile_are_without_it(memory, say, take_back, database):
    say("I work at Acme.", 2023)
    turn_id = say(f"I live in {CANARY}.", 2024)
    assert CANARY in texts(database, "SELECT text FROM profiles")
    assert CANARY in memory.summary()
    take_back(turn_id)
    assert CANARY not in derived(database)
    assert "Acme" in memory.summary()
    assert "Acme" in texts(database, "SELECT text FROM profiles")
    assert [found.text for found in memory.recall("Where does Ana live?") if found.kind == "fact"] == [
        "Ana works at Acme."
    ]
    # It stays, as what was believed once; but nothing searches for it by meaning.
    [(fact_id,)] = database.execute("SELECT fact_id FROM facts WHERE status = 'retracted'").fetchall()
    recorded = database.execute("SELECT recorded_at < superseded_at FROM facts WHERE fact_id = %s", (fact_id,))
    assert recorded.fetchone() == (True,)
    assert database.execute("SELECT count(*) FROM vectors WHERE item = %s", (str(fact_id),)).fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM vectors WHERE item = 'chat/2'").fetchone() == (0,)


def test_the_rest_of_its_batch_stands(memory, pipeline, take_back, database):
    said = ("I work at Acme.", f"I live in {CANARY}.", "I speak Danish.")
    ids = memory.write_many({"role": "user", "content": text, "name": "Ana"} for text in said)
    pipeline.settle()
    take_back(ids[1])
    assert set(current(database)) == {"Ana works at Acme", "Ana speaks Danish"}
    assert CANARY not in derived(database)
    assert database.execute("SELECT title, summary FROM episodes").fetchall() == [
        ("Ana works at Acme.", "Ana works at Acme. Ana speaks Danish.")
    ]
    take_back(ids[0], ids[2])
    assert current(database) == []
    assert texts(database, "SELECT * FROM episodes") == texts(database, "SELECT * FROM summaries") == ""
    assert memory.summary() is None


def test_a_fact_with_other_evidence_stands(memory, say, take_back, database):
    first = say("I live in Porto.", 2023)
    say("I live in Porto!", 2024)
    third = say("Yes, I live in Porto.", 2025)

    def counted():
        return database.execute("SELECT times_seen, status, said_at FROM facts").fetchall()

    assert counted() == [(3, "current", datetime(2025, 1, 1, 12, tzinfo=UTC))]
    take_back(third)
    assert counted() == [(2, "current", datetime(2024, 1, 1, 12, tzinfo=UTC))]
    take_back(first)
    assert counted() == [(1, "current", datetime(2024, 1, 1, 12, tzinfo=UTC))]
    [fact] = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    assert [said.quote for said in fact.evidence] == ["I live in Porto!"]


def test_evidence_in_another_session_counts_as_well(settings, say, take_back, database):
    turn_id = say("I live in Porto.", 2023)
    say("I live in Porto.", 2024, MemoryClient("ana", "another chat", settings=settings))
    take_back(turn_id)
    assert current(database) == ["Porto"]


def test_what_it_had_superseded_is_current_again_as_a_new_version(memory, say, take_back, database):
    say("I live in Porto.", 2023)
    turn_id = say(f"I live in {CANARY}.", 2024)
    take_back(turn_id)
    assert facts(database) == [("Porto", "superseded"), (CANARY, "retracted"), ("Porto", "current")]
    [fact] = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    assert (fact.text, fact.valid_to, fact.superseded_texts) == ("Ana lives in Porto.", None, ())
    assert [said.quote for said in fact.evidence] == ["I live in Porto."]
    # The new version is found by meaning as well.
    vectors = database.execute("SELECT count(*) FROM vectors WHERE item = %s", (fact.memory_id,)).fetchone()
    assert vectors == (1,)
    # What was believed at each time can still be told.
    history = database.execute(
        "SELECT text FROM facts WHERE superseded_at IS NOT NULL ORDER BY superseded_at, recorded_at"
    ).fetchall()
    assert [text for (text,) in history] == ["Ana lives in Porto.", f"Ana lives in {CANARY}."]


@pytest.mark.parametrize(
    ("order", "left"),
    [
        (("2025",), "2024"),
        (("2024",), "2025"),
        (("2023",), "2025"),
        (("2025", "2024"), "2023"),
        (("2024", "2025"), "2023"),
        (("2023", "2025"), "2024"),
        (("2025", "2023"), "2024"),
        (("2023", "2024", "2025"), None),
        (("2025", "2024", "2023"), None),
        (("2024", "2025", "2023"), None),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_chain_in_any_order(memory, say, take_back, database, order, left, at_once):
    cities = {"2023": "Porto", "2024": "Lisbon", "2025": "Berlin"}
    said = {year: say(f"I live in {city}.", int(year)) for year, city in cities.items()}
    for years in [order] if at_once else [(year,) for year in order]:
        take_back(*(said[year] for year in years))
    assert current(database) == ([cities[left]] if left else [])
    gone = {cities[year] for year in order}
    assert not gone & set(derived(database).replace(".", " ").split())
    shown = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    before = [cities[year] for year in cities if left and year < left and year not in order]
    assert [fact.superseded_texts for fact in shown] == (
        [tuple(f"Ana lives in {city}." for city in before)] * len(shown)
    )


def test_a_chain_without_its_middle_is_shown_without_it(memory, say, take_back, database):
    say("I live in Porto.", 2023)
    middle = say(f"I live in {CANARY}.", 2024)
    say("I live in Berlin.", 2025)
    take_back(middle)
    [fact] = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    assert (fact.text, fact.superseded_texts) == ("Ana lives in Berlin.", ("Ana lives in Porto.",))
    valid_to = database.execute("SELECT valid_to FROM facts WHERE status = 'superseded'").fetchone()
    assert valid_to == (datetime(2025, 1, 1, 12, tzinfo=UTC),)


def test_what_was_said_in_between_is_current_when_a_repeat_is_taken_back(say, take_back, database):
    say("I live in Porto.", 2023)
    repeat = say("I live in Porto.", 2025)
    say("I live in Lisbon.", 2024)  # a backfill: history already when it comes
    assert current(database) == ["Porto"]
    take_back(repeat)
    assert facts(database) == [("Porto", "superseded"), ("Lisbon", "superseded"), ("Lisbon", "current")]


def test_saying_it_anew_in_another_turn_is_a_new_fact(say, take_back, database):
    take_back(say("I live in Porto.", 2023))
    say("I live in Porto.", 2024)
    assert facts(database) == [("Porto", "retracted"), ("Porto", "current")]


def test_a_name_that_was_taken_back_is_not_used_any_more(memory, pipeline, take_back, database):
    turn_id = memory.write("user", f"My name is {CANARY}.")
    pipeline.settle()
    assert database.execute("SELECT display_name FROM users").fetchone() == (CANARY,)
    take_back(turn_id)
    assert database.execute("SELECT display_name FROM users").fetchone() == (None,)


def test_while_a_digest_is_being_written(settings, memory, pipeline, say, database):
    class Interrupted(OfflineSummarizer):
        def summarize(self, sources):
            draft = super().summarize(sources)
            assert CANARY in str(draft)
            pipeline.runtime.__dict__["summarizer"] = OfflineSummarizer()
            memory.remove(turn_id)
            pipeline.do("archive", [["default", "ana", "chat"]])
            return draft

    pipeline.runtime.settings = settings.model_copy(update={"summary_run": 2})
    pipeline.runtime.__dict__["summarizer"] = Interrupted()
    say("I work at Acme.", 2023)
    turn_id = say(f"I live in {CANARY}.", 2024)
    say("I speak Danish.", 2025)
    assert CANARY not in derived(database)
    assert "Acme" in memory.summary()
    refused = database.execute("SELECT count FROM counters WHERE name = 'stale_writes_refused'")
    assert refused.fetchone() == (1,)


def test_a_dead_batch_keeps_no_answer(memory, pipeline, take_back, database):
    turn_id = memory.write("user", f"I live in {CANARY}.")
    memory.flush()
    pipeline.do("archive", [["default", "ana", "chat"]])
    pipeline.step()
    pipeline.hints.waiting.clear()
    assert CANARY in texts(database, "SELECT answer FROM answers")
    database.execute("UPDATE batches SET state = 'dead', reason = 'test'")
    take_back(turn_id)
    assert database.execute("SELECT state, prompt_version FROM batches").fetchall() == [("dead", None)]
    assert CANARY not in derived(database)


def test_the_cost_of_a_batch_stays_on_the_books(memory, pipeline, take_back, database):
    turn_id = memory.write("user", "I live in Porto.")
    pipeline.settle()
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, model) "
        "VALUES ('default', 'ana', gen_random_uuid(), 'extract', 'chat', 'm')"
    )
    take_back(turn_id)
    assert database.execute("SELECT count(*) FROM llm_calls").fetchone() == (1,)
