"""SIGTERM: a worker finishes what it does, or hands it back; a second one and SIGKILL lose nothing either."""

from __future__ import annotations

import signal
import time

import pytest

from afterturn.local.services import WORKER_STOP_SECONDS
from harness.chaos import conversation, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

#: As somebody starts it by hand, who has never heard of the variable.
BY_HAND = {"REMAP_SIGTERM": ""}


def _in_the_middle_of_a_call(lane: Lane, worker: WorkerProcess, fault: str, **options: object) -> None:
    lane.begin()
    lane.llm.fail(fault, on="extract", **options)
    conversation.write(lane.settings)
    worker.start().wait_until_ready()
    wait_until(lambda: bool(lane.llm.calls("extract")), seconds=60)


def _taken_over(lane: Lane, expected: Image, fault: str) -> Outcome:
    lane.llm.heal()
    watch = Stopwatch()
    with WorkerProcess(lane.settings, lane.directory, "second") as second:
        watch.started(second)
        lane.wait_until_settled()
        watch.settled()
        return trial.concluded(lane, expected, fault, watch)


@pytest.mark.parametrize("variables", [{}, BY_HAND], ids=["as up starts it", "by hand"])
def test_sigterm_lets_a_call_end_and_keeps_its_answer(lane: Lane, expected: Image, variables: dict[str, str]) -> None:
    worker = WorkerProcess(lane.settings, lane.directory, "ending", variables=variables)
    with lane.clock():
        try:
            _in_the_middle_of_a_call(lane, worker, "latency", seconds=1.5)
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(WORKER_STOP_SECONDS), "the worker does not end"
            assert worker.process.log_contains("Initiating Soft Shutdown"), worker.process.log_tail()
        finally:
            worker.kill()
        begun = len(lane.llm.calls("extract"))
        with lane.database() as connection:
            row = connection.execute("SELECT count(*) FROM answers").fetchone()
        assert row == (begun,), "what was paid for was not kept"
        outcome = _taken_over(lane, expected, "SIGTERM")
    assert outcome.is_clean, outcome
    assert len(lane.llm.calls("extract")) == conversation.BATCHES


@pytest.mark.chaos
@pytest.mark.parametrize("variables", [{}, BY_HAND], ids=["as up starts it", "by hand"])
def test_sigterm_hands_back_what_does_not_end(lane: Lane, expected: Image, variables: dict[str, str]) -> None:
    with lane.changed(llm_timeout_seconds=120.0), lane.clock():
        worker = WorkerProcess(lane.settings, lane.directory, "ending", variables=variables)
        try:
            _in_the_middle_of_a_call(lane, worker, "hang")
            worker.process.send_signal(signal.SIGTERM)
            assert worker.process.wait(WORKER_STOP_SECONDS), "the worker does not end"
        finally:
            worker.kill()
        outcome = _taken_over(lane, expected, "SIGTERM in a call that hangs")
    assert outcome.is_clean, outcome


@pytest.mark.parametrize("second", [pytest.param(signal.SIGTERM, marks=pytest.mark.chaos), signal.SIGKILL])
def test_a_second_signal_loses_nothing(lane: Lane, expected: Image, second: int) -> None:
    with lane.changed(llm_timeout_seconds=120.0), lane.clock():
        worker = WorkerProcess(lane.settings, lane.directory, "ending")
        try:
            _in_the_middle_of_a_call(lane, worker, "hang")
            worker.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            worker.process.send_signal(second)
            assert worker.process.wait(WORKER_STOP_SECONDS), "the worker does not end"
        finally:
            worker.kill()
        outcome = _taken_over(lane, expected, "SIGTERM, then another signal")
    assert outcome.is_clean, outcome
