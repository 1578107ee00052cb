"""A person adds, corrects, pins and deletes facts: edits are turns, in order, once, and beat what was extracted."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from afterturn.client.plans import flush
from afterturn.errors import InvalidId, InvalidInput, TurnTooLarge
from afterturn.facts import edits
from afterturn.forgetting import erasures, export
from afterturn.hot import keys, pending
from afterturn.pipeline.stages import archive
from afterturn.scopes import SessionScope
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests import canary

EDITS = SessionScope("default", "ana", edits.SESSION_ID)
NOWHERE = str(uuid.UUID(int=7))


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", agent_id="concierge", settings=settings)


def said(memory, pipeline, text, year):
    memory.write("user", text, name="Ana", occurred_at=datetime(year, 1, 1, 12, tzinfo=UTC))
    pipeline.settle()


def texts(facts):
    return [fact.text for fact in facts]


def only(facts):
    [fact] = facts
    return fact


def rejections(database):
    return database.execute("SELECT reason FROM rejections ORDER BY batch_id, candidate_index").fetchall()


def lives_in_porto(memory, pipeline):
    """Have a conversation say it, and return the fact's id."""
    said(memory, pipeline, "I live in Porto.", 2023)
    return only(memory.facts()).fact_id


def test_a_fact_is_added_with_all_that_is_said_of_it(memory, pipeline):
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


def test_the_archive_hands_an_edit_on_to_embed_with_its_answer_stored(memory, pipeline, database):
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
    # Only the fact has a vector of the edit: its turn is no memory.
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
def test_what_cannot_be_a_fact_is_refused_at_the_door(memory, hot_store, bad):
    with pytest.raises(InvalidInput):
        memory.add_fact(**bad)
    assert not hot_store.keys("at:*pending*")


def test_a_fact_that_fits_no_turn_is_refused(settings, hot_store):
    small = settings.model_copy(update={"turn_limit_bytes": 1_024})
    with pytest.raises(TurnTooLarge):
        MemoryClient("ana", settings=small).add_fact("x" * 1_500)


@pytest.mark.parametrize("act", ["correct_fact", "pin_fact", "unpin_fact", "delete_fact", "fact_history"])
def test_a_fact_is_named_by_a_uuid(memory, act):
    more = ["Ana lives in Lisbon."] if act == "correct_fact" else []
    with pytest.raises(InvalidInput, match="fact_id must be a UUID"):
        getattr(memory, act)("lives-in-porto", *more)


def test_sessions_of_edits_are_nobodys_conversation(settings):
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


def test_an_edit_makes_no_summary_but_the_profile_anew(memory, pipeline, database):
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


def test_a_correction_takes_the_place_of_what_was_extracted(memory, pipeline):
    old_id = lives_in_porto(memory, pipeline)
    new_id = memory.correct_fact(old_id, "Ana lives in Braga.", value="Braga")
    pipeline.settle()
    current = only(memory.facts())
    assert (current.fact_id, current.text, current.origin) == (new_id, "Ana lives in Braga.", "person")
    old, new = memory.fact_history(old_id)
    assert (old.fact_id, old.status, old.ended_because, old.superseded_by) == (old_id, "superseded", "person", new_id)
    assert old.superseded_at is not None
    assert new == current
    assert memory.fact_history(new_id) == [old, new]
    # What it does not say it takes over.
    assert (new.subject, new.attribute, new.category) == (old.subject, old.attribute, old.category)
    assert new.value == "Braga"


def test_a_correction_holds_since_the_mistake_did_and_a_change_since_it_happened(memory, pipeline):
    old_id = lives_in_porto(memory, pipeline)
    then = datetime(2024, 1, 1, tzinfo=UTC)
    new_id = memory.correct_fact(old_id, "Ana lives in Braga.", value="Braga")
    pipeline.settle()
    assert texts(memory.facts(as_of=then)) == ["Ana lives in Braga."]
    moved = datetime(2024, 6, 1, tzinfo=UTC)
    memory.correct_fact(new_id, "Ana lives in Faro.", value="Faro", valid_from=moved)
    pipeline.settle()
    assert texts(memory.facts(as_of=then)) == ["Ana lives in Braga."]
    assert texts(memory.facts(as_of=moved)) == ["Ana lives in Faro."]
    assert texts(memory.facts()) == ["Ana lives in Faro."]


def test_a_correction_goes_to_what_took_the_place_meanwhile(memory, pipeline):
    old_id = lives_in_porto(memory, pipeline)
    said(memory, pipeline, "I live in Lisbon.", 2024)
    lisbon = only(memory.facts())
    new_id = memory.correct_fact(old_id, "Ana lives in Braga.")
    pipeline.settle()
    assert only(memory.facts()).fact_id == new_id
    versions = {fact.fact_id: fact for fact in memory.fact_history(old_id)}
    assert list(versions) == [old_id, lisbon.fact_id, new_id]
    assert versions[old_id].superseded_by == lisbon.fact_id
    assert (versions[lisbon.fact_id].superseded_by, versions[lisbon.fact_id].ended_because) == (new_id, "person")


def test_what_was_just_added_can_be_corrected_before_anybody_has_seen_it(memory, pipeline):
    first = memory.add_fact("Ana has one cat.")
    second = memory.correct_fact(first, "Ana has two cats.")
    memory.pin_fact(second)
    pipeline.settle()
    fact = only(memory.facts())
    assert (fact.fact_id, fact.is_pinned) == (second, True)
    assert texts(memory.fact_history(first)) == ["Ana has one cat.", "Ana has two cats."]


@pytest.mark.parametrize("year", [2020, 2100])
def test_what_contradicts_a_persons_word_is_a_challenge(memory, pipeline, year):
    mine = memory.add_fact("Ana lives in Braga.", subject="Ana", attribute="lives_in", value="Braga")
    pipeline.settle()
    said(memory, pipeline, "I live in Porto.", year)
    current = only(memory.facts())
    assert (current.fact_id, current.text) == (mine, "Ana lives in Braga.")
    challenge = only([fact for fact in memory.fact_history(mine) if fact.fact_id != mine])
    assert (challenge.text, challenge.status) == ("Ana lives in Porto.", "superseded")
    assert (challenge.superseded_by, challenge.ended_because) == (mine, "challenge")
    assert only(challenge.evidence).quote == "I live in Porto."
    assert "Ana lives in Porto." not in texts(memory.facts(as_of=datetime(2101, 1, 1, tzinfo=UTC)))


def test_what_a_person_adds_takes_the_place_of_what_was_extracted(memory, pipeline):
    old_id = lives_in_porto(memory, pipeline)
    memory.add_fact("Ana lives in Braga.", subject="Ana", attribute="lives_in", value="Braga")
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana lives in Braga."]
    assert [fact.status for fact in memory.fact_history(old_id)] == ["superseded", "current"]


def test_a_persons_later_word_beats_their_earlier_one(memory, pipeline):
    for city in ("Braga", "Faro"):
        memory.add_fact(f"Ana lives in {city}.", subject="Ana", attribute="lives_in", value=city)
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana lives in Faro."]


def test_the_id_of_an_added_fact_names_it_also_where_it_was_known_before(memory, pipeline):
    known = lives_in_porto(memory, pipeline)
    entered = memory.add_fact("Ana lives in Porto.")
    pipeline.settle()
    fact = only(memory.facts())
    assert (fact.origin, fact.text) == ("person", "Ana lives in Porto.")
    # What the conversation said is not lost: it is evidence, or history.
    versions = memory.fact_history(entered)
    assert {said.quote for version in versions for said in version.evidence} >= {"I live in Porto."}
    assert memory.fact_history(known) == versions
    memory.delete_fact(entered)
    pipeline.settle()
    assert memory.facts() == []


def test_pin_and_unpin(memory, pipeline):
    fact_id = lives_in_porto(memory, pipeline)
    memory.pin_fact(fact_id)
    pipeline.settle()
    assert only(memory.facts()).is_pinned
    memory.unpin_fact(uuid.UUID(fact_id))
    pipeline.settle()
    assert not only(memory.facts()).is_pinned


def test_a_correction_of_a_pinned_fact_stays_pinned(memory, pipeline):
    fact_id = memory.add_fact("Ana has one cat.", pinned=True)
    second = memory.correct_fact(fact_id, "Ana has two cats.")
    pipeline.settle()
    assert only(memory.facts()).is_pinned
    memory.correct_fact(second, "Ana has three cats.", pinned=False)
    pipeline.settle()
    assert not only(memory.facts()).is_pinned


def test_a_deleted_fact_is_believed_no_more_and_nothing_comes_back(memory, pipeline, database):
    porto = lives_in_porto(memory, pipeline)
    said(memory, pipeline, "I live in Lisbon.", 2024)
    lisbon = only(memory.facts())
    believed = datetime.now(UTC)
    memory.delete_fact(lisbon.fact_id)
    pipeline.settle()
    assert memory.facts() == []
    assert "Ana lives in Lisbon." not in [found.text for found in memory.recall("Where does Ana live?")]
    old, deleted = memory.fact_history(porto)
    assert (old.fact_id, old.status) == (porto, "superseded")
    assert (deleted.status, deleted.ended_because) == ("retracted", "deleted")
    assert deleted.superseded_at is not None and deleted.superseded_at > believed
    vectors = database.execute("SELECT count(*) FROM vectors WHERE kind = 'fact' AND item = %s", (lisbon.fact_id,))
    assert vectors.fetchone() == (0,)
    # It was believed then, and it never was true.
    assert texts(memory.facts(as_of=believed, time="recorded")) == ["Ana lives in Lisbon."]
    assert "Ana lives in Lisbon." not in texts(memory.facts(as_of=datetime(2024, 6, 1, tzinfo=UTC)))


@pytest.mark.parametrize("act", ["correct_fact", "pin_fact", "unpin_fact", "delete_fact"])
def test_an_edit_of_a_fact_that_is_not_ones_own_changes_nothing(memory, pipeline, settings, database, act):
    stranger = MemoryClient("eve", settings=settings)
    theirs = memory.add_fact("Ana has one cat.", pinned=act == "unpin_fact")
    pipeline.settle()
    before = memory.facts()
    more = ["Ana has no cat."] if act == "correct_fact" else []
    for fact_id in (theirs, NOWHERE):
        getattr(stranger, act)(fact_id, *more)
    pipeline.settle()
    assert memory.facts() == before
    assert stranger.facts() == []
    assert stranger.fact_history(theirs) == []
    assert rejections(database) == [("unknown_fact",)] * 2


def test_edits_keep_their_order(memory, pipeline):
    fact_id = memory.add_fact("Ana has one cat.")
    for _ in range(5):
        memory.pin_fact(fact_id)
        memory.unpin_fact(fact_id)
    memory.pin_fact(fact_id)
    pipeline.settle()
    assert only(memory.facts()).is_pinned


class Never:
    """An extractor that nobody may ask."""

    prompt_version = "test-1"
    model = "never"

    def extract(self, request):
        raise AssertionError("an edit was extracted")


def test_a_dead_edit_is_replayed_with_its_own_answer_and_never_extracted(memory, pipeline, database, command):
    pipeline.runtime.__dict__["extractor"] = Never()
    fact_id = memory.add_fact("Ana has one cat.")
    pipeline.sweep()
    pipeline.step()
    [(answer,)] = database.execute("SELECT answer FROM answers").fetchall()
    database.execute("UPDATE answers SET answer = '[]'")
    pipeline.settle()
    [dead] = command.json("dead", "list")
    assert (dead["session_id"], dead["reason"].partition(":")[0]) == ("~edits", "answer_malformed")
    assert "Ana has one cat." in command("dead", "show", dead["batch_id"], "--content").out

    # What cannot be read stays as it is: there is nobody to ask for another.
    assert command("dead", "replay", dead["batch_id"]).out == "1 replayed\n"
    pipeline.settle()
    assert database.execute("SELECT state FROM batches").fetchall() == [("dead",)]
    assert database.execute("SELECT answer FROM answers").fetchall() == [("[]",)]

    database.execute("UPDATE answers SET answer = %s", (answer,))
    command("dead", "replay", "--all", "--yes")
    pipeline.settle()
    assert only(memory.facts()).fact_id == fact_id


def test_dying_between_the_commit_and_redis_doubles_no_edit(memory, pipeline, hot_store, settings, database):
    memory.add_facts([{"text": "Ana has one cat."}, {"text": "Ana has a dog.", "pinned": True}])
    with pipeline.runtime.postgres.connection() as connection, connection.transaction():
        archive.archive_entries(connection, settings, pending.read(hot_store, [EDITS], limit=10).entries)
    # Here the process dies: the entries are still pending, and nobody was told of the batches.
    assert hot_store.xlen(keys.pending(EDITS)) == 2
    database.execute("UPDATE batches SET hinted_at = now() - interval '1 hour'")
    pipeline.settle()
    assert not hot_store.exists(keys.pending(EDITS), keys.recent(EDITS))
    assert sorted(texts(memory.facts())) == ["Ana has a dog.", "Ana has one cat."]
    assert database.execute("SELECT count(*), count(DISTINCT user_seq) FROM batches").fetchone() == (2, 2)


def test_edits_are_exported_and_forgotten(memory, pipeline, database, hot_store):
    first = memory.add_fact(f"{canary.WORD} has one cat.", topics=[canary.WORD])
    pipeline.settle()
    memory.correct_fact(first, f"{canary.WORD} has two cats.")
    exported = str(list(export.records(pipeline.runtime.user_stores, EDITS.user)))
    assert "has one cat" in exported and "has two cats" in exported
    assert {"turns", "answers", "facts", "evidence"} <= set(canary.places(database, hot_store, canary.WORD))
    erasures.forget(pipeline.runtime, EDITS.user)
    pipeline.settle()
    database.execute("ANALYZE")
    assert canary.places(database, hot_store, canary.WORD) == []
    assert memory.facts() == memory.fact_history(first) == []
    memory.add_fact("Ana has a dog.")
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana has a dog."]


def test_the_async_client_does_the_same(settings, pipeline):
    async def edit():
        memory = AsyncMemoryClient("ana", settings=settings)
        first = await memory.add_fact("Ana has one cat.", topics=["pets"])
        [second, third] = await memory.add_facts([{"text": "Ana has a dog."}, {"text": "Ana has a fish."}])
        await memory.correct_fact(first, "Ana has two cats.")
        await memory.pin_fact(second)
        await memory.delete_fact(third)
        await close_async_connections()
        return first

    async def read(first):
        memory = AsyncMemoryClient("ana", settings=settings)
        found = await memory.facts(), await memory.fact_history(first), await memory.facts(topic="Pets")
        await memory.unpin_fact(first)
        await close_async_connections()
        return found

    first = asyncio.run(edit())
    pipeline.settle()
    facts, history, pets = asyncio.run(read(first))
    assert {fact.text: fact.is_pinned for fact in facts} == {"Ana has two cats.": False, "Ana has a dog.": True}
    assert texts(history) == ["Ana has one cat.", "Ana has two cats."]
    assert texts(pets) == ["Ana has two cats."]


def test_times_asked_about_have_a_timezone_and_a_meaning(memory):
    now = datetime.now(UTC)
    for bad in ({"as_of": now.replace(tzinfo=None)}, {"as_of": now, "time": "heard"}, {"limit": 0}, {"subject": ""}):
        with pytest.raises(InvalidInput):
            memory.facts(**bad)
    with pytest.raises(InvalidInput, match="include_superseded"):
        memory.facts(as_of=now - timedelta(days=1), include_superseded=True)
