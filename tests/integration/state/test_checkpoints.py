"""memory.checkpoint: a task that is run again continues after its last completed step."""

import threading

import pytest

from afterturn import MemoryClient
from afterturn.errors import InvalidInput

TASK = """
import os, signal, sys
from afterturn import MemoryClient
checkpoint = MemoryClient("ana").checkpoint("trip 1")

def work(name):
    print(name, flush=True)
    if name == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"step": name}

for name in ("search", "book", "pay", "report"):
    assert checkpoint.step(name, lambda: work(name)) == {"step": name}
"""


@pytest.fixture
def memory(settings, hot_store):
    return MemoryClient("ana", settings=settings)


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_task_whose_process_dies_continues_in_the_next_one(memory, hot_store, settings, start_agent, is_emptied):
    done = []
    for dies_in in ("search", "pay", "pay", "none", "none"):
        agent = start_agent(TASK, settings, dies_in)
        said, _ = agent.communicate(timeout=60)
        done.append(said.split())
        assert agent.returncode == (0 if dies_in == "none" else -9)
        if is_emptied:
            hot_store.flushdb()
    assert done == [["search"], ["search", "book", "pay"], ["pay"], ["pay", "report"], []]
    steps = memory.checkpoint("trip 1").steps()
    assert [(step.name, step.status, step.attempts) for step in steps] == [
        ("search", "completed", 2),
        ("book", "completed", 1),
        ("pay", "completed", 3),
        ("report", "completed", 1),
    ]


def test_a_failure_is_kept_with_its_step(memory):
    checkpoint = memory.checkpoint("trip")
    checkpoint.step("search", lambda: [1])
    with pytest.raises(ZeroDivisionError):
        checkpoint.step("book", lambda: 1 / 0)
    search, book = checkpoint.steps()
    assert (search.status, search.result, search.error) == ("completed", [1], None)
    assert (book.status, book.attempts, book.error) == ("failed", 1, "ZeroDivisionError: division by zero")
    assert checkpoint.step("book", lambda: "booked") == "booked"
    assert [(step.name, step.status, step.attempts, step.error) for step in checkpoint.steps()] == [
        ("search", "completed", 1, None),
        ("book", "completed", 2, None),
    ]
    checkpoint.clear()
    assert checkpoint.steps() == []
    assert checkpoint.step("search", lambda: [2]) == [2]


def test_a_result_that_is_no_json_value_is_a_failure_of_the_step(memory):
    checkpoint = memory.checkpoint("trip")
    with pytest.raises(InvalidInput):
        checkpoint.step("search", object)
    [step] = checkpoint.steps()
    assert step.status == "failed" and step.error.startswith("InvalidInput: ")


def test_a_null_result_is_a_result(memory):
    called = []
    for _ in range(3):
        assert memory.checkpoint("trip").step("one", lambda: called.append(1)) is None
    assert called == [1]


def test_tasks_and_users_are_apart_and_no_documents_of_callers(memory, settings):
    memory.checkpoint("a").step("one", lambda: 1)
    memory.checkpoint("b").step("one", lambda: 2)
    MemoryClient("ben", settings=settings).checkpoint("a").step("one", lambda: 3)
    assert [step.result for step in memory.checkpoint("a").steps()] == [1]
    assert memory.state.list() == [] and memory.state.get("checkpoint") == (None, 0)
    for task_id in ("", "a\n", 7):
        with pytest.raises(InvalidInput):
            memory.checkpoint(task_id)
    with pytest.raises(InvalidInput):
        memory.checkpoint("a").step("", lambda: 1)


def test_processes_that_run_one_task_at_once_get_the_same_results(memory, settings):
    together = threading.Barrier(8)
    got = []

    def run(number):
        checkpoint = MemoryClient("ana", settings=settings).checkpoint("trip")
        together.wait()
        got.append([checkpoint.step(name, lambda: number) for name in ("one", "two", "three")])

    runs = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for one in runs:
        one.start()
    for one in runs:
        one.join()
    assert len(got) == 8 and all(results == got[0] for results in got)
