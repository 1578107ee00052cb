"""A person corrects, pins and deletes facts: a person's fact replaces an extracted one and is not superseded by one."""

import uuid
from datetime import UTC, datetime

import pytest


def texts(facts):
    return [fact.text for fact in facts]


def only(facts):
    [fact] = facts
    return fact


def lives_in_porto(memory, say):
    """Write a conversation with this fact, and return the fact's id."""
    say("I live in Porto.", 2023)
    return only(memory.facts()).fact_id


def test_a_correction_replaces_an_extracted_fact(memory, pipeline, say):
    old_id = lives_in_porto(memory, say)
    new_id = memory.correct_fact(old_id, "Ana lives in Braga.", value="Braga")
    pipeline.settle()
    current = only(memory.facts())
    assert (current.fact_id, current.text, current.origin) == (new_id, "Ana lives in Braga.", "person")
    old, new = memory.fact_history(old_id)
    assert (old.fact_id, old.status, old.ended_because, old.superseded_by) == (old_id, "superseded", "person", new_id)
    assert old.superseded_at is not None
    assert new == current
    assert memory.fact_history(new_id) == [old, new]
    # Fields that the correction does not name are copied from the old fact.
    assert (new.subject, new.attribute, new.category) == (old.subject, old.attribute, old.category)
    assert new.value == "Braga"


def test_a_correction_begins_with_the_mistake_and_a_change_when_it_happened(memory, pipeline, say):
    old_id = lives_in_porto(memory, say)
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


def test_a_correction_applies_to_the_current_version(memory, pipeline, say):
    old_id = lives_in_porto(memory, say)
    say("I live in Lisbon.", 2024)
    lisbon = only(memory.facts())
    new_id = memory.correct_fact(old_id, "Ana lives in Braga.")
    pipeline.settle()
    assert only(memory.facts()).fact_id == new_id
    versions = {fact.fact_id: fact for fact in memory.fact_history(old_id)}
    assert list(versions) == [old_id, lisbon.fact_id, new_id]
    assert versions[old_id].superseded_by == lisbon.fact_id
    assert (versions[lisbon.fact_id].superseded_by, versions[lisbon.fact_id].ended_because) == (new_id, "person")


def test_an_added_fact_can_be_corrected_before_it_is_applied(memory, pipeline):
    first = memory.add_fact("Ana has one cat.")
    second = memory.correct_fact(first, "Ana has two cats.")
    memory.pin_fact(second)
    pipeline.settle()
    fact = only(memory.facts())
    assert (fact.fact_id, fact.is_pinned) == (second, True)
    assert texts(memory.fact_history(first)) == ["Ana has one cat.", "Ana has two cats."]


@pytest.mark.parametrize("is_later", [False, True])
def test_a_statement_that_contradicts_a_persons_fact_is_a_challenge(memory, pipeline, is_later, say):
    mine = memory.add_fact("Ana lives in Braga.", subject="Ana", attribute="lives_in", value="Braga")
    pipeline.settle()
    if is_later:
        memory.write("user", "I live in Porto.", name="Ana")
        pipeline.settle()
    else:
        say("I live in Porto.", 2020)
    current = only(memory.facts())
    assert (current.fact_id, current.text) == (mine, "Ana lives in Braga.")
    challenge = only([fact for fact in memory.fact_history(mine) if fact.fact_id != mine])
    assert (challenge.text, challenge.status) == ("Ana lives in Porto.", "superseded")
    assert (challenge.superseded_by, challenge.ended_because) == (mine, "challenge")
    assert only(challenge.evidence).quote == "I live in Porto."
    assert "Ana lives in Porto." not in texts(memory.facts(as_of=datetime(2101, 1, 1, tzinfo=UTC)))


def test_an_added_fact_replaces_an_extracted_one(memory, pipeline, say):
    old_id = lives_in_porto(memory, say)
    memory.add_fact("Ana lives in Braga.", subject="Ana", attribute="lives_in", value="Braga")
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana lives in Braga."]
    assert [fact.status for fact in memory.fact_history(old_id)] == ["superseded", "current"]


def test_a_persons_later_fact_supersedes_their_earlier_one(memory, pipeline):
    for city in ("Braga", "Faro"):
        memory.add_fact(f"Ana lives in {city}.", subject="Ana", attribute="lives_in", value=city)
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana lives in Faro."]


def test_the_id_of_an_added_fact_names_it_also_where_it_was_known_before(memory, pipeline, say):
    known = lives_in_porto(memory, say)
    entered = memory.add_fact("Ana lives in Porto.")
    pipeline.settle()
    fact = only(memory.facts())
    assert (fact.origin, fact.text) == ("person", "Ana lives in Porto.")
    # The statement of the conversation stays as evidence or in the history.
    versions = memory.fact_history(entered)
    assert {said.quote for version in versions for said in version.evidence} >= {"I live in Porto."}
    assert memory.fact_history(known) == versions
    memory.delete_fact(entered)
    pipeline.settle()
    assert memory.facts() == []


def test_pin_and_unpin(memory, pipeline, say):
    fact_id = lives_in_porto(memory, say)
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


def test_a_deleted_fact_is_retracted_and_nothing_is_reinstated(memory, pipeline, database, say):
    porto = lives_in_porto(memory, say)
    say("I live in Lisbon.", 2024)
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
    # It was recorded then, and it never was true.
    assert texts(memory.facts(as_of=believed, time="recorded")) == ["Ana lives in Lisbon."]
    assert "Ana lives in Lisbon." not in texts(memory.facts(as_of=datetime(2024, 6, 1, tzinfo=UTC)))
