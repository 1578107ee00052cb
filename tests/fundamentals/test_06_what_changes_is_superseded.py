"""Consolidation: nothing is overwritten. The newer value is current, and the older one stays in the history."""

from datetime import UTC, datetime

from api_shim import MemoryClient


def facts(database):
    return database.execute("SELECT text, status, times_seen FROM facts ORDER BY said_at, text").fetchall()


def said(memory, pipeline, text, year):
    memory.write("user", text, name="Ana", occurred_at=datetime(year, 1, 1, 12, tzinfo=UTC))
    pipeline.settle()


def test_a_new_value_supersedes_the_old_one(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    said(memory, pipeline, "I live in Porto.", 2023)
    said(memory, pipeline, "I live in Lisbon.", 2025)
    assert facts(database) == [("Ana lives in Porto.", "superseded", 1), ("Ana lives in Lisbon.", "current", 1)]
    [current] = [found for found in memory.recall("Where does Ana live?") if found.kind == "fact"]
    assert current.text == "Ana lives in Lisbon."
    assert current.superseded_texts == ("Ana lives in Porto.",)
    [(valid_to,)] = database.execute("SELECT valid_to FROM facts WHERE status = 'superseded'").fetchall()
    assert valid_to == datetime(2025, 1, 1, 12, tzinfo=UTC)


def test_a_repeat_is_one_fact_with_more_evidence(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    said(memory, pipeline, "I live in Porto.", 2023)
    said(memory, pipeline, "As I said, I live in Porto!", 2024)
    assert facts(database) == [("Ana lives in Porto.", "current", 2)]
    assert database.execute("SELECT count(*) FROM evidence").fetchone() == (2,)
    assert database.execute("SELECT count(*) FROM vectors WHERE kind = 'fact'").fetchone() == (1,)


def test_a_backfill_ends_right(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    said(memory, pipeline, "I live in Lisbon.", 2025)
    said(memory, pipeline, "I live in Porto.", 2023)
    assert facts(database) == [("Ana lives in Porto.", "superseded", 1), ("Ana lives in Lisbon.", "current", 1)]


def test_a_return_to_an_old_value_is_current_again(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    for year, city in ((2023, "Porto"), (2024, "Lisbon"), (2025, "Porto")):
        said(memory, pipeline, f"I live in {city}.", year)
    assert facts(database) == [
        ("Ana lives in Porto.", "superseded", 1),
        ("Ana lives in Lisbon.", "superseded", 1),
        ("Ana lives in Porto.", "current", 1),
    ]


def test_an_attribute_with_many_values_keeps_all_of_them(settings, pipeline, database):
    memory = MemoryClient("ana", settings=settings)
    said(memory, pipeline, "I speak Portuguese.", 2023)
    said(memory, pipeline, "I speak Danish.", 2024)
    assert {status for _, status, _ in facts(database)} == {"current"}
    assert len(facts(database)) == 2
