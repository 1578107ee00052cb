"""A message that comes twice, or while another worker has the batch or the user, delays nobody until the long wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest

from afterturn import faults
from afterturn.hot import keys
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline

ANA = UserScope("default", "ana")


def fact_of_each_turn(request):
    shown = prompt.shown_turns(request)
    if not shown:
        return None
    return {
        "facts": [answers.fact(turn.content, [(turn.number, turn.content)]) for turn in shown],
        "episode": None,
    }


@pytest.fixture
def llm_server():
    with LLMServer(answer=fact_of_each_turn) as server:
        yield server


@pytest.fixture
def pipeline(settings, hot_store, llm_server, judged):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test"}
    with Pipeline(type(settings)(**settings.model_dump(exclude_unset=True) | given)) as opened:
        yield opened


@pytest.fixture
def batch_id(settings, pipeline, database):
    """A batch that is compared with a known fact, so that the judge is asked; it is cut, and waits to be extracted."""
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "Ana sings.", name="Ana", occurred_at=datetime(2024, 1, 1, tzinfo=UTC))
    pipeline.settle()
    memory.write("user", "Ana paints.", name="Ana", occurred_at=datetime(2024, 1, 2, tzinfo=UTC))
    deadline = time.monotonic() + 60
    while not (rows := database.execute("SELECT batch_id FROM batches WHERE state = 'pending'").fetchall()):
        assert time.monotonic() < deadline
        if pipeline.hints.waiting:
            pipeline.step()
        else:
            pipeline.sweep()
    pipeline.hints.waiting.clear()
    return rows[0][0]


def do(pipeline, stage, batch_id: UUID):
    return pipeline.do(stage, "default", "ana", str(batch_id))


def work_through(pipeline, batch_id, last):
    """Run the stages of the batch until `last` is done. The message to the next stage is on its way."""
    for stage in ("extract", "embed", "consolidate", "judge"):
        do(pipeline, stage, batch_id)
        if stage == last:
            break
    assert pipeline.hints.waiting
    pipeline.hints.waiting.clear()


def sent(pipeline):
    """Return the stages that the next sweep sends messages to."""
    pipeline.sweep()
    return [stage for stage, _ in pipeline.hints.waiting]


@pytest.mark.parametrize(("repeated", "next_stage"), [("embed", "consolidate"), ("judge", "consolidate")])
def test_a_message_that_comes_while_a_repeated_one_is_looked_at_is_sent_again(
    pipeline, batch_id, monkeypatch, repeated, next_stage
):
    work_through(pipeline, batch_id, repeated)
    is_done = []

    def reach(point):
        if point == f"{repeated}.after_claim":
            is_done.append(do(pipeline, next_stage, batch_id))

    monkeypatch.setattr(faults, "point", reach)
    assert not do(pipeline, repeated, batch_id)
    assert is_done == [False]
    assert sent(pipeline) == [next_stage]
    assert do(pipeline, next_stage, batch_id) is (repeated == "judge")


def test_a_message_whose_step_is_over_has_the_next_step_looked_at(pipeline, batch_id):
    work_through(pipeline, batch_id, "extract")
    assert not do(pipeline, "extract", batch_id)
    assert sent(pipeline) == ["embed"]


def test_an_applied_batch_is_not_sent_again(pipeline, batch_id):
    work_through(pipeline, batch_id, "judge")
    assert do(pipeline, "consolidate", batch_id)
    for stage in ("extract", "embed", "judge", "consolidate"):
        assert not do(pipeline, stage, batch_id)
    assert {"extract", "embed", "judge", "consolidate"}.isdisjoint(sent(pipeline))


def test_a_batch_at_the_judge_is_not_sent_there_again_by_a_worker_that_did_not_get_the_user(pipeline, batch_id):
    work_through(pipeline, batch_id, "consolidate")
    pipeline.runtime.redis.set(keys.user_lock(ANA), "another worker", ex=60)
    assert not do(pipeline, "consolidate", batch_id)
    assert sent(pipeline) == []


@pytest.mark.parametrize("last", ["embed", "judge"])
def test_messages_are_sent_when_the_user_is_free_for_who_gets_them(pipeline, batch_id, monkeypatch, last):
    work_through(pipeline, batch_id, last)
    send, locked = pipeline.hints.send, []

    def look(stage, *arguments, priority):
        locked.append((stage, pipeline.runtime.redis.exists(keys.user_lock(ANA))))
        return send(stage, *arguments, priority=priority)

    monkeypatch.setattr(pipeline.hints, "send", look)
    do(pipeline, "consolidate", batch_id)
    assert locked == ([("judge", 0)] if last == "embed" else [])
