"""Calls that never end: each has a deadline of its own, and a lease is not renewed beyond its task's."""

from __future__ import annotations

from afterturn.database import counters
from harness.chaos import conversation, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until


def test_a_call_that_hangs_ends_at_its_deadline_and_is_made_again(lane: Lane, expected: Image) -> None:
    lane.begin()
    lane.llm.fail("hang", on="extract", count=2)
    conversation.write(lane.settings)
    watch = Stopwatch()
    with (
        lane.changed(llm_timeout_seconds=1.0),
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "only") as worker,
    ):
        watch.started(worker)
        lane.wait_until_settled()
        watch.settled()
    outcome = trial.concluded(lane, expected, "two calls hang", watch, may_reorder=True)
    assert outcome.is_clean, outcome
    with lane.database() as connection:
        [(given_up,)] = connection.execute(
            "SELECT count(*) FROM llm_calls WHERE stage = 'extract' AND outcome = 'model_unavailable'"
        ).fetchall()
    # On a busy machine a call that does not hang may come to its deadline too.
    assert given_up >= 2
    assert len(lane.llm.calls("extract")) == conversation.BATCHES + given_up


def test_a_worker_stuck_in_a_call_loses_its_lease_and_its_late_answer_is_refused(lane: Lane, expected: Image) -> None:
    lane.begin()
    lane.llm.fail("hold", on="extract", count=1)
    conversation.write(lane.settings)
    watch = Stopwatch()
    with (
        lane.changed(llm_timeout_seconds=60.0, task_deadline_seconds=2.0),
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "stuck") as worker,
    ):
        watch.started(worker)
        # Its other threads, or anybody else's, take the batch over: nobody can wait for a call that does not end.
        lane.wait_until_settled(seconds=60)
        watch.settled()
        lane.llm.heal()  # now the held call is answered
        wait_until(lambda: lane.counter(counters.STALE_WRITES_REFUSED) > 0, seconds=60)
        outcome = trial.concluded(lane, expected, "a call outlives its lease", watch)
    assert outcome.is_clean, outcome
    assert len(lane.llm.calls("extract")) == conversation.BATCHES + 1
