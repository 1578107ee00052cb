"""Undo of a change: the fact that the turn had superseded becomes current again, as a new version."""

from datetime import UTC, datetime

import pytest

from tests.fundamentals.taken_back import CANARY, current, derived, facts


def test_what_it_had_superseded_is_current_again_as_a_new_version(memory, say, take_back, database):
    say("I live in Porto.", 2023)
    turn_id = say(f"I live in {CANARY}.", 2024)
    take_back(turn_id)
    assert facts(database) == [("Porto", "superseded"), (CANARY, "retracted"), ("Porto", "current")]
    [fact] = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    assert (fact.text, fact.valid_to, fact.superseded_texts) == ("Ana lives in Porto.", None, ())
    assert [said.quote for said in fact.evidence] == ["I live in Porto."]
    # The new version has a vector too.
    vectors = database.execute("SELECT count(*) FROM vectors WHERE item = %s", (fact.memory_id,)).fetchone()
    assert vectors == (1,)
    # `as_of` still returns what was recorded as current at each time.
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


def test_saying_it_again_in_another_turn_is_a_new_fact(say, take_back, database):
    take_back(say("I live in Porto.", 2023))
    say("I live in Porto.", 2024)
    assert facts(database) == [("Porto", "retracted"), ("Porto", "current")]
