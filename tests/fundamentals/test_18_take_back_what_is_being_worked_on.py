"""Removing a turn while a stage processes it: at no stage does it return."""

import json

import pytest

from afterturn.database import counters
from afterturn.extraction.extractor import RawAnswer
from tests.fundamentals.taken_back import CANARY, CHAT, kept, seen


class Echo:
    """An extractor that makes one fact and an episode of the shown turns. A test can run code during its call."""

    prompt_version = "test-1"
    earlier_versions = ()
    uses_known = False
    model = "echo"

    def __init__(self, interrupt=None):
        self.shown = []
        self.interrupt = interrupt

    def extract(self, request):
        self.shown.append([turn.content for turn in (*request.context, *request.turns)])
        interrupt, self.interrupt = self.interrupt, None
        if interrupt:
            interrupt()
        facts = [
            {"text": f"Fact {turn.content}", "evidence": [{"turn": number, "quote": turn.content}]}
            for number, turn in enumerate(request.turns, 1)
            if turn.content
        ]
        episode = {"title": "What was said", "summary": " ".join(turn.content for turn in request.turns)}
        text = json.dumps({"facts": facts, "episode": episode})
        return RawAnswer(text=text, prompt_version=self.prompt_version, model=self.model)


def archive(pipeline):
    pipeline.do("archive", [CHAT])


def work_until(pipeline, memory, step):
    """Cut one batch of the written turns, and run the stages of the hints until the next one is `step`."""
    memory.flush()
    archive(pipeline)
    while pipeline.hints.waiting[0][0] != step:
        pipeline.step()


def test_an_uncut_turn_is_never_shown_to_a_model(pipeline, memory, database):
    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    turn_id = memory.write("user", CANARY)
    archive(pipeline)
    memory.remove(turn_id)
    pipeline.settle()
    # No turn of the batch is left, so no model is asked.
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]
    assert extractor.shown == []


@pytest.mark.parametrize("step", ["extract", "embed", "consolidate"])
def test_a_batch_that_is_not_applied_starts_again_without_it(pipeline, memory, database, hot_store, step):
    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    work_until(pipeline, memory, step)
    memory.remove(turn_id)
    archive(pipeline)
    assert database.execute("SELECT state, embedded_at FROM batches").fetchall() == [("pending", None)]
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM vectors WHERE kind <> 'turn'").fetchone() == (0,)
    pipeline.settle()
    assert extractor.shown[-1] == ["before", ""]
    assert database.execute("SELECT text, status FROM facts").fetchall() == [("Fact before", "current")]
    assert CANARY not in seen(memory) + kept(database, hot_store)


def test_while_the_model_is_being_asked(pipeline, memory, database, hot_store):
    def take_back():
        memory.remove(turn_id)
        archive(pipeline)

    extractor = pipeline.runtime.__dict__["extractor"] = Echo(interrupt=take_back)
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    work_until(pipeline, memory, "extract")
    pipeline.step()
    assert database.execute("SELECT count(*) FROM answers").fetchone() == (0,)
    refused = database.execute("SELECT count FROM counters WHERE name = %s", (counters.STALE_WRITES_REFUSED,))
    assert refused.fetchone() == (1,)
    pipeline.settle()
    assert extractor.shown == [["before", CANARY], ["before", ""]]
    assert CANARY not in seen(memory) + kept(database, hot_store)


def test_while_the_next_batch_is_asked_with_it_as_context(pipeline, memory, database, hot_store):
    def take_back():
        memory.remove(turn_id)
        archive(pipeline)

    turn_id = memory.write("user", CANARY)
    pipeline.settle()
    extractor = pipeline.runtime.__dict__["extractor"] = Echo(interrupt=take_back)
    memory.write("user", "after")
    pipeline.settle()
    assert extractor.shown == [[CANARY, "after"], ["", "after"]]
    assert CANARY not in seen(memory) + kept(database, hot_store)


@pytest.mark.parametrize("reached", ["embed", "consolidate"])
def test_while_a_later_stage_is_at_work(pipeline, memory, database, hot_store, monkeypatch, reached):
    from afterturn.consolidation import plan
    from afterturn.embedding import items

    module, name = {"embed": (items, "find_missing_items"), "consolidate": (plan, "make_plan")}[reached]
    original = getattr(module, name)

    def interrupted(*arguments, **named):
        monkeypatch.setattr(module, name, original)
        done = original(*arguments, **named)
        memory.remove(turn_id)
        archive(pipeline)
        return done

    extractor = pipeline.runtime.__dict__["extractor"] = Echo()
    memory.write("user", "before")
    turn_id = memory.write("user", CANARY)
    monkeypatch.setattr(module, name, interrupted)
    pipeline.settle()
    assert extractor.shown == [["before", CANARY], ["before", ""]]
    assert database.execute("SELECT text, status FROM facts").fetchall() == [("Fact before", "current")]
    names = {row[0] for row in database.execute("SELECT item FROM vectors WHERE kind = 'fact'").fetchall()}
    assert names == {str(row[0]) for row in database.execute("SELECT fact_id FROM facts").fetchall()}
    assert CANARY not in seen(memory) + kept(database, hot_store)
