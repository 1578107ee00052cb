"""Threads: how a matter developed, and how it stands. Each step rests on facts, and falls with them."""

from datetime import UTC, datetime

import pytest

STUDIO = {
    datetime(2023, 1, 20, tzinfo=UTC): "Ana looks for a place for her dance studio.",
    datetime(2023, 4, 3, tzinfo=UTC): "Ana signed the lease of the dance studio.",
    datetime(2023, 6, 20, tzinfo=UTC): "Ana opened the dance studio.",
}


@pytest.fixture
def studio(memory, pipeline):
    """The ids of three facts about one matter, after a night."""
    fact_ids = [memory.add_fact(text, subject="Ana", valid_from=day) for day, text in STUDIO.items()]
    memory.add_fact("Ana dislikes coffee.", subject="Ana")
    pipeline.settle()
    pipeline.do("sleep", "default", "ana")
    return fact_ids


def test_three_facts_of_one_matter_become_a_line(memory, studio):
    [thread] = memory.threads()
    assert thread.text == (
        "Studio: Ana looks for a place for her dance studio (2023-01-20); "
        "Ana signed the lease of the dance studio (2023-04-03); now: Ana opened the dance studio"
    )
    assert thread.fact_ids == tuple(studio)


def test_without_a_model_rules_write_it_and_it_says_so(memory, studio, database):
    assert [thread.is_by_rules for thread in memory.threads()] == [True]
    assert database.execute("SELECT count(*) FROM llm_calls").fetchone() == (0,)


def test_an_unchanged_memory_keeps_its_threads(memory, pipeline, studio):
    before = memory.threads()
    memory.add_fact("Ana has a brother in Faro.", subject="Ana")
    pipeline.settle()
    pipeline.do("sleep", "default", "ana")
    assert memory.threads() == before


def test_a_step_falls_with_its_fact_and_the_thread_with_too_few_of_them(memory, pipeline, studio):
    memory.delete_fact(studio[1])
    pipeline.settle()
    [thread] = memory.threads()
    assert "lease" not in thread.text
    pipeline.do("sleep", "default", "ana")
    assert memory.threads() == []


def test_two_things_of_one_day_are_no_development(memory, pipeline):
    for text in STUDIO.values():
        memory.add_fact(text, subject="Ana", valid_from=datetime(2023, 1, 20, tzinfo=UTC))
    pipeline.settle()
    pipeline.do("sleep", "default", "ana")
    assert memory.threads() == []
