"""Where a context shows threads among the recalled memories."""

from datetime import UTC, date, datetime

from afterturn.context import lines, thread_lines
from afterturn.context.memory_block import MemoryLine
from afterturn.threads.thread import Thread, ThreadStep

DAY = datetime(2023, 6, 20, tzinfo=UTC)


def thread(*fact_ids, title="Studio"):
    steps = tuple(
        ThreadStep(text=f"step {fact_id}", day=date(2023, 6, 20), fact_ids=(fact_id,)) for fact_id in fact_ids
    )
    return Thread(
        thread_id=f"of {title}",
        title=title,
        steps=steps,
        state=None,
        started_at=DAY,
        last_said_at=DAY,
        made_at=DAY,
        is_by_rules=False,
    )


def line(fact_id):
    return MemoryLine(text=fact_id, content=fact_id, memory_ids=(fact_id,))


def shown(recalled, *threads):
    return [found.memory_ids[0] for found in thread_lines.with_threads([*map(line, recalled)], threads, UTC)]


def test_a_thread_comes_before_the_best_of_its_facts():
    assert shown("abcd", thread("d", "b", "c")) == ["a", "of Studio", "b", "c", "d"]
    assert lines.thread_line(thread("b", "c"), UTC).covers == {"b", "c"}


def test_one_recalled_fact_shows_no_thread():
    assert shown("abcd", thread("b", "x", "y")) == ["a", "b", "c", "d"]


def test_a_question_about_a_detail_of_a_long_development_shows_no_thread():
    assert shown("abcd", thread("b", "c", *"uvwxyz")) == ["a", "b", "c", "d"]


def test_two_threads_come_each_in_their_place():
    assert shown("abcd", thread("b", "d", title="B"), thread("a", "c", title="A")) == [
        "of A",
        "a",
        "of B",
        "b",
        "c",
        "d",
    ]


def test_a_line_has_the_day_of_a_step_that_names_none():
    dated = ThreadStep(text="opened on 20 June", day=date(2023, 6, 20), fact_ids=("a",))
    assert dated.dated_text == "opened on 20 June"
    assert thread("a", "b").steps[0].dated_text == "step a (2023-06-20)"
