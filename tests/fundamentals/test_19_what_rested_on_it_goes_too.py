"""Undo in an applied batch: facts, episodes, summaries and the profile lose what rests on the turn alone."""

from datetime import UTC, datetime

from afterturn.summaries.offline import OfflineSummarizer
from api_shim import MemoryClient
from tests.fundamentals.taken_back import CANARY, current, derived


def texts(database, statement):
    return " ".join(str(row) for row in database.execute(statement).fetchall())


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
    # The retracted fact stays for `as_of` queries, but it has no vector.
    [(fact_id,)] = database.execute("SELECT fact_id FROM facts WHERE status = 'retracted'").fetchall()
    recorded = database.execute("SELECT recorded_at < superseded_at FROM facts WHERE fact_id = %s", (fact_id,))
    assert recorded.fetchone() == (True,)
    assert database.execute("SELECT count(*) FROM vectors WHERE item = %s", (str(fact_id),)).fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM vectors WHERE item = 'chat/2'").fetchone() == (0,)


def test_the_rest_of_its_batch_stays(memory, pipeline, take_back, database):
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


def test_a_fact_with_other_evidence_stays_current(memory, say, take_back, database):
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


def test_a_name_of_a_removed_turn_is_no_longer_used(memory, pipeline, take_back, database):
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


def test_the_recorded_cost_of_a_batch_stays(memory, pipeline, take_back, database):
    turn_id = memory.write("user", "I live in Porto.")
    pipeline.settle()
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, session_id, model) "
        "VALUES ('default', 'ana', gen_random_uuid(), 'extract', 'chat', 'm')"
    )
    take_back(turn_id)
    assert database.execute("SELECT count(*) FROM llm_calls").fetchone() == (1,)
