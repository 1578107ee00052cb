"""Facts by entity, and as of a time: what was true then, and what was recorded as current then."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from afterturn.errors import InvalidInput
from api_shim import MemoryClient
from tests.fundamentals.scripted import Scripted

YEAR = {year: datetime(year, 7, 1, tzinfo=UTC) for year in range(2018, 2027)}


@pytest.fixture
def say(memory, pipeline):
    """Return a function that writes a turn, and processes it into these facts."""
    extractor = pipeline.runtime.__dict__["extractor"] = Scripted()
    numbers = itertools.count(1)

    def write(text, *facts, at):
        extractor.answers.append([one | {"evidence": [{"turn": 1, "quote": text}]} for one in facts])
        memory.write("user", text, occurred_at=at, turn_id=f"turn-{next(numbers)}")
        pipeline.settle()

    return write


def works_at(company, **more):
    return {"text": f"Ana works at {company}.", "subject": "Ana", "attribute": "works_at", "value": company, **more}


def texts(facts):
    return [fact.text for fact in facts]


def recorded(database, text):
    return database.execute("SELECT recorded_at FROM facts WHERE text = %s", (text,)).fetchone()[0]


def test_facts_are_found_by_what_they_are_about(memory, pipeline):
    memory.add_facts(
        [
            {"text": "Ana lives in Porto.", "subject": "Ana", "attribute": "lives_in", "value": "Porto"},
            {"text": "Ana speaks Danish.", "subject": "Ana", "attribute": "speaks", "topics": ["Languages"]},
            {"text": "Rex is a poodle.", "subject": "Rex", "category": "Pet", "topics": ["dogs", "pets"]},
        ]
    )
    pipeline.settle()
    assert set(texts(memory.facts(subject="ana"))) == {"Ana lives in Porto.", "Ana speaks Danish."}
    assert texts(memory.facts(subject="Ana", attribute="lives_in")) == ["Ana lives in Porto."]
    assert texts(memory.facts(topic="languages")) == ["Ana speaks Danish."]
    assert texts(memory.facts(topic="pets")) == texts(memory.facts(category="pet")) == ["Rex is a poodle."]
    assert memory.facts(subject="Rex", topic="languages") == memory.facts(subject="R%") == []
    assert len(memory.facts()) == 3


def test_others_facts_are_never_found(memory, pipeline, settings):
    memory.add_fact("Ana lives in Porto.", subject="Ana")
    pipeline.settle()
    [fact] = memory.facts()
    for stranger in (
        MemoryClient("eve", settings=settings),
        MemoryClient("ana", tenant_id="elsewhere", settings=settings),
    ):
        assert stranger.facts(subject="Ana") == []
        assert stranger.facts(as_of=datetime.now(UTC), time="recorded") == []
        assert stranger.fact_history(fact.fact_id) == []


def test_what_was_true_then_and_what_was_recorded_then(memory, say, database):
    say("I work at Acme.", works_at("Acme", valid_from="2020-01-01"), at=YEAR[2021])
    say("I work at Bolt now.", works_at("Bolt", valid_from="2023-01-01"), at=YEAR[2023])
    assert texts(memory.facts()) == ["Ana works at Bolt."]
    assert texts(memory.facts(include_superseded=True)) == ["Ana works at Bolt.", "Ana works at Acme."]

    assert memory.facts(as_of=YEAR[2019]) == []
    assert texts(memory.facts(as_of=YEAR[2020])) == texts(memory.facts(as_of=YEAR[2022])) == ["Ana works at Acme."]
    assert texts(memory.facts(as_of=YEAR[2024])) == ["Ana works at Bolt."]
    # At a boundary, the fact that begins there is true, and the fact that ends there is not.
    assert texts(memory.facts(as_of=datetime(2023, 1, 1, tzinfo=UTC))) == ["Ana works at Bolt."]

    first, second = recorded(database, "Ana works at Acme."), recorded(database, "Ana works at Bolt.")
    assert memory.facts(as_of=YEAR[2024], time="recorded") == []
    assert texts(memory.facts(as_of=first, time="recorded")) == ["Ana works at Acme."]
    assert texts(memory.facts(as_of=second, time="recorded")) == ["Ana works at Bolt."]
    assert memory.facts(as_of=first - timedelta(microseconds=1), time="recorded") == []


def test_a_fact_without_a_beginning_is_true_since_it_was_said(memory, say):
    say("I work at Acme.", works_at("Acme"), at=YEAR[2021])
    say("I still work at Acme.", works_at("Acme"), at=YEAR[2024])
    [fact] = memory.facts()
    assert (fact.times_seen, fact.valid_from) == (2, None)
    assert memory.facts(as_of=YEAR[2020]) == []
    assert texts(memory.facts(as_of=YEAR[2022])) == ["Ana works at Acme."]


def test_a_fact_with_an_end_is_not_true_after_it(memory, say):
    say(
        "I was in Rome.",
        {"text": "Ana was in Rome.", "valid_from": "2020-01-01", "valid_to": "2021-01-01"},
        at=YEAR[2022],
    )
    assert texts(memory.facts(as_of=YEAR[2020])) == ["Ana was in Rome."]
    assert memory.facts(as_of=YEAR[2021]) == []
    assert texts(memory.facts()) == ["Ana was in Rome."]


def test_a_backfilled_old_value_was_never_recorded_as_current(memory, say, database):
    say("I work at Bolt now.", works_at("Bolt"), at=YEAR[2023])
    say("I work at Acme.", works_at("Acme"), at=YEAR[2021])
    now = recorded(database, "Ana works at Acme.")
    assert texts(memory.facts(as_of=now, time="recorded")) == ["Ana works at Bolt."]
    assert texts(memory.facts(as_of=YEAR[2022])) == ["Ana works at Acme."]


def test_a_corrected_mistake_was_never_true_but_was_recorded(memory, say, database):
    say("I work at Acme.", works_at("Acme"), at=YEAR[2021])
    say("No, I meant Apex.", works_at("Apex", corrects=True), at=YEAR[2021] + timedelta(minutes=1))
    assert texts(memory.facts(as_of=YEAR[2022])) == ["Ana works at Apex."]
    # The correction is true since the beginning of the mistaken fact.
    assert texts(memory.facts(as_of=YEAR[2021] + timedelta(seconds=30))) == ["Ana works at Apex."]
    believed = recorded(database, "Ana works at Acme.")
    assert texts(memory.facts(as_of=believed, time="recorded")) == ["Ana works at Acme."]
    assert [fact.ended_because for fact in memory.fact_history(memory.facts()[0].fact_id)] == ["correction", None]


def test_a_history_has_all_versions_for_any_of_their_ids(memory, say):
    for year, company in ((2020, "Acme"), (2021, "Bolt"), (2022, "Cola"), (2023, "Acme")):
        say(f"I work at {company}, in {year}.", works_at(company), at=YEAR[year])
    say("Rex is a poodle.", {"text": "Rex is a poodle."}, at=YEAR[2024])
    [current] = memory.facts(subject="Ana")
    versions = memory.fact_history(current.fact_id)
    assert [fact.value for fact in versions] == ["Acme", "Bolt", "Cola", "Acme"]
    assert [fact.ended_because for fact in versions] == ["newer_value"] * 3 + [None]
    assert [fact.superseded_by for fact in versions] == [fact.fact_id for fact in versions[1:]] + [None]
    assert [fact.evidence[0].quote for fact in versions] == [
        f"I work at {company}, in {year}."
        for year, company in ((2020, "Acme"), (2021, "Bolt"), (2022, "Cola"), (2023, "Acme"))
    ]
    for version in versions:
        assert memory.fact_history(version.fact_id) == versions


def test_facts_of_a_removed_turn_are_hidden_at_once(memory, say, pipeline, database):
    say("I work at Acme.", works_at("Acme"), at=YEAR[2021])
    [fact] = memory.facts()
    believed = datetime.now(UTC)
    memory.remove("turn-1")
    assert memory.facts() == memory.fact_history(fact.fact_id) == []
    pipeline.settle()
    assert memory.facts() == memory.facts(include_superseded=True) == memory.facts(as_of=YEAR[2022]) == []
    [then] = memory.facts(as_of=believed, time="recorded")
    assert (then.text, then.status, then.ended_because, then.evidence) == (
        "Ana works at Acme.",
        "retracted",
        "removed",
        (),
    )


def test_the_days_are_those_of_the_timezone_that_a_person_names(memory, say, pipeline, database):
    def timezone():
        return database.execute("SELECT timezone FROM users").fetchone()[0]

    say("Hello there, I am Ana.", at=YEAR[2023])
    assert timezone() == "UTC"
    fact_id = memory.set_preference("timezone", "Asia/Tokyo")
    pipeline.settle()
    say("I work at Acme since May.", works_at("Acme", valid_from="2024-05-01"), at=YEAR[2024])
    assert memory.facts(attribute="works_at")[0].valid_from == datetime(2024, 4, 30, 15, tzinfo=UTC)
    # An unknown timezone changes nothing, and neither does the timezone of another person.
    say(
        "My brother's clock is Martian, mine is fast.",
        {"text": "Ana is on Mars time.", "subject": "Ana", "attribute": "timezone", "value": "Mars/Olympus"},
        {"text": "Ben is in New York.", "subject": "Ben", "attribute": "timezone", "value": "America/New_York"},
        at=YEAR[2025],
    )
    assert timezone() == "Asia/Tokyo"
    memory.set_preference("timezone", "Europe/Lisbon")
    pipeline.settle()
    assert timezone() == "Europe/Lisbon"
    memory.delete_fact(fact_id)
    pipeline.settle()
    assert timezone() == "UTC"


def test_invalid_times_are_refused(memory):
    now = datetime.now(UTC)
    for bad in ({"as_of": now.replace(tzinfo=None)}, {"as_of": now, "time": "heard"}, {"limit": 0}, {"subject": ""}):
        with pytest.raises(InvalidInput):
            memory.facts(**bad)
    with pytest.raises(InvalidInput, match="include_superseded"):
        memory.facts(as_of=now - timedelta(days=1), include_superseded=True)
