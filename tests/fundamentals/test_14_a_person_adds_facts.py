"""A person adds facts: each is an edit that is ordered with the turns and becomes a fact without a model."""

import uuid
from datetime import UTC, datetime

import pytest

from afterturn.client.plans import flush
from afterturn.errors import InvalidId, InvalidInput, TurnTooLarge
from afterturn.facts import edits
from afterturn.hot import keys
from afterturn.scopes import SessionScope
from api_shim import MemoryClient

EDITS = SessionScope("default", "ana", edits.SESSION_ID)
NOWHERE = str(uuid.UUID(int=7))


def texts(facts):
    return [fact.text for fact in facts]


def only(facts):
    [fact] = facts
    return fact


def test_a_fact_is_added_with_all_its_fields(memory, pipeline):
    since = datetime(2020, 5, 1, tzinfo=UTC)
    before = datetime.now(UTC)
    fact_id = memory.add_fact(
        "  Ana lives\nin Porto. ",
        category="place",
        topics=["home", "city", "home"],
        subject="Ana",
        attribute="lives_in",
        value="Porto",
        importance=0.9,
        valid_from=since,
    )
    pipeline.settle()
    fact = only(memory.facts())
    assert (fact.fact_id, fact.text) == (fact_id, "Ana lives in Porto.")
    assert (fact.category, fact.topics, fact.subject) == ("place", ("home", "city"), "Ana")
    assert (fact.attribute, fact.value, round(fact.importance, 3)) == ("lives_in", "Porto", 0.9)
    assert (fact.status, fact.origin, fact.said_by, fact.is_pinned) == ("current", "person", "user", False)
    assert (fact.valid_from, fact.valid_to, fact.times_seen) == (since, None, 1)
    assert before <= fact.said_at <= fact.recorded_at
    assert (fact.superseded_at, fact.superseded_by, fact.ended_because) == (None, None, None)
    evidence = only(fact.evidence)
    assert (evidence.session_id, evidence.quote, evidence.position) == ("~edits", "Ana lives in Porto.", 1)
    assert [found.memory_id for found in memory.recall("Where does Ana live?")] == [fact_id]


def test_an_edit_is_one_round_trip_and_a_repeated_call_is_the_same_edit(memory, pipeline, hot_store, database):
    memory.write("user", "The first call teaches Redis the script.")
    before = hot_store.info("commandstats")["cmdstat_evalsha"]["calls"]
    first = memory.add_fact("Ana plays the cello.", edit_id="e-1")
    assert hot_store.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert hot_store.xlen(keys.pending(EDITS)) == 1
    pipeline.settle()
    assert memory.add_fact("Ana plays the cello.", edit_id="e-1") == first
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana plays the cello."]
    assert only(memory.facts()).times_seen == 1
    edited = "SELECT state, cut_by, prompt_version, model FROM batches WHERE kind = 'manual'"
    assert database.execute(edited).fetchall() == [("applied", "edit", "manual-1", "person")]


def test_the_archive_stores_the_answer_of_an_edit_and_enqueues_embed(memory, pipeline, database):
    memory.add_fact("Ana plays the cello.")
    memory.write("user", "Hello.")
    pipeline.sweep()
    while pipeline.hints.waiting[0][0] == "archive":
        pipeline.step()
    stages = [stage for stage, _ in pipeline.hints.waiting]
    assert stages.count("embed") == 1
    assert database.execute("SELECT state FROM batches WHERE kind = 'manual'").fetchall() == [("extracted",)]
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (1,)
    pipeline.settle()
    # Only the fact of an edit has a vector, not its turn.
    kinds = database.execute("SELECT kind FROM vectors WHERE item NOT LIKE 'chat%%'").fetchall()
    assert kinds.count(("fact",)) == 1
    assert database.execute("SELECT count(*) FROM vectors WHERE item LIKE '~edits%%'").fetchone() == (0,)


def test_many_facts_are_added_in_one_round_trip_and_few_batches(memory, pipeline, database):
    ids = memory.add_facts({"text": f"Ana owns bicycle number {number}."} for number in range(120))
    assert len(set(ids)) == 120
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM batches").fetchone() == (3,)
    found = memory.facts(limit=1_000)
    assert {fact.fact_id: fact.text for fact in found} == {
        fact_id: f"Ana owns bicycle number {number}." for number, fact_id in enumerate(ids)
    }
    assert len(memory.facts(limit=5)) == 5


def test_many_facts_are_all_or_none(memory, pipeline, database, hot_store):
    with pytest.raises(InvalidInput, match="text must have 1 to 2000"):
        memory.add_facts([{"text": "Ana plays the cello."}, {"text": " "}])
    with pytest.raises(InvalidInput, match="fact 1 of add_facts"):
        memory.add_facts([{"text": "Ana plays the cello."}, {"text": "x", "colour": "red"}])
    with pytest.raises(InvalidInput, match="up to 1000"):
        memory.add_facts({"text": str(number)} for number in range(1_001))
    assert memory.add_facts([]) == []
    assert not hot_store.keys("at:*pending*")


def test_pinned_and_unpinned_facts_go_together(memory, pipeline):
    memory.add_facts([{"text": "Ana has one cat.", "pinned": True}, {"text": "Ana has two dogs."}])
    memory.add_fact("Ana is allergic to nuts.", pinned=True)
    pipeline.settle()
    assert {fact.text: fact.is_pinned for fact in memory.facts()} == {
        "Ana has one cat.": True,
        "Ana has two dogs.": False,
        "Ana is allergic to nuts.": True,
    }


@pytest.mark.parametrize(
    "bad",
    [
        {"text": ""},
        {"text": 5},
        {"text": "x" * 2_001},
        {"text": "x", "category": ""},
        {"text": "x", "subject": "y" * 201},
        {"text": "x", "topics": "home"},
        {"text": "x", "topics": ["a"] * 21},
        {"text": "x", "importance": 1.5},
        {"text": "x", "importance": float("nan")},
        {"text": "x", "importance": True},
        {"text": "x", "valid_from": datetime(2024, 1, 1)},
        {"text": "x", "valid_from": "2024-01-01"},
        {"text": "x", "valid_from": datetime(2024, 1, 1, tzinfo=UTC), "valid_to": datetime(2023, 1, 1, tzinfo=UTC)},
        {"text": "x", "pinned": "yes"},
        {"text": "x", "edit_id": ""},
        {"text": "x", "edit_id": "e" * 197},
    ],
    ids=str,
)
def test_an_invalid_fact_is_refused_by_the_client(memory, hot_store, bad):
    with pytest.raises(InvalidInput):
        memory.add_fact(**bad)
    assert not hot_store.keys("at:*pending*")


def test_a_fact_that_fits_no_turn_is_refused(settings, hot_store):
    small = settings.model_copy(update={"turn_limit_bytes": 1_024})
    with pytest.raises(TurnTooLarge):
        MemoryClient("ana", settings=small).add_fact("x" * 1_500)


def test_session_ids_of_edits_are_reserved(settings):
    for session_id in (edits.SESSION_ID, "~", "~anything"):
        with pytest.raises(InvalidId, match="begin with ~"):
            MemoryClient("ana", session_id, settings=settings)


def test_edits_are_shown_nowhere(memory, pipeline, settings):
    memory.write("user", "Hello there.")
    memory.add_fact("Ana plays the cello.")
    memory.pin_fact(NOWHERE)
    pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["Hello there."]
    assert [found.text for found in memory.recall()] == ["Hello there."]
    found = {(found.kind, found.text) for found in [*memory.recall("cello"), *memory.recall(f"pin {NOWHERE}")]}
    assert found == {("fact", "Ana plays the cello."), ("turn", "Hello there.")}
    other = MemoryClient("ana", "another", settings=settings)
    assert [found.text for found in other.recall()] == ["Hello there."]


def test_an_edit_updates_the_profile_and_no_summary(memory, pipeline, database):
    memory.add_fact("Ana is allergic to nuts.", importance=1.0)
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM summaries").fetchone() == (0,)
    [(profile,)] = database.execute("SELECT text FROM profiles").fetchall()
    assert "allergic to nuts" in profile


def test_flush_waits_for_edits_as_well(memory, pipeline):
    def is_settled():
        return memory._driver.run(flush.is_settled(memory._session))

    memory.add_fact("Ana plays the cello.")
    assert not is_settled()
    pipeline.settle()
    assert is_settled()
