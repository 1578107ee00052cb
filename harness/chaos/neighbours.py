"""Trials of fairness: one user has a backlog, and other users write single turns at the same time."""

from __future__ import annotations

from typing import Any

import psycopg

from api_shim import MemoryClient
from harness.chaos import many_turns
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.waiting import wait_until

#: Of each quiet user, one turn.
QUIET_USERS = 3
#: When the last quiet user's fact exists, at most this share of the backlog may be done; with one queue, all is.
LARGEST_SHARE = 0.6
#: Seconds that each call of the model takes: with 8 threads, a backlog of 100 batches lasts some seconds.
LATENCY_SECONDS = 0.4

_DONE: Any = """
SELECT count(*) FILTER (WHERE state <> 'pending')::float / greatest(count(*), 1) FROM batches WHERE user_id = 'noisy'
"""
_QUIET: Any = "SELECT count(DISTINCT user_id) FROM facts WHERE user_id LIKE 'quiet-%'"


def beside_a_backlog(lane: Lane, *, turns: int = 300) -> Outcome:
    """Let one user write many turns, and quiet users one each when work on the backlog has begun."""
    lane.begin()
    lane.llm.set_latency(LATENCY_SECONDS)
    workers = [many_turns.fast_worker(lane, "fast"), many_turns.slow_worker(lane, "slow")]
    try:
        with lane.clock(), lane.database() as connection:
            for worker in workers:
                worker.start().wait_until_ready()
            noisy = MemoryClient("noisy", settings=lane.settings)
            noisy.write_many({"role": "user", "content": f"I own the red bicycle No. {n}."} for n in range(turns))
            noisy.flush()
            wait_until(lambda: _number(connection, _DONE) > 0, seconds=60)
            share = _share_done_before_quiet(lane, connection)
            lane.llm.set_latency(0.0)
            watch = Stopwatch()
            lane.wait_until_settled(seconds=300, turns=turns + QUIET_USERS)
            watch.settled()
            fault = f"quiet users beside a backlog: their facts came when {share:.0%} of it was extracted"
            outcome = many_turns.outcome(connection, fault, turns + QUIET_USERS, watch)
            assert share <= LARGEST_SHARE, fault
            return outcome
    finally:
        lane.llm.set_latency(0.0)
        for worker in workers:
            worker.kill()


def _share_done_before_quiet(lane: Lane, connection: psycopg.Connection[Any]) -> float:
    """Write a turn of each quiet user, and return the share of the backlog that is done when all have a fact."""
    for number in range(QUIET_USERS):
        quiet = MemoryClient(f"quiet-{number}", settings=lane.settings)
        quiet.write("user", f"I live in a quiet street, No. {number}.")
        quiet.flush()
    wait_until(lambda: _number(connection, _QUIET) == QUIET_USERS, seconds=120)
    return _number(connection, _DONE)


def _number(connection: psycopg.Connection[Any], query: Any) -> float:
    row = connection.execute(query).fetchone()
    return 0.0 if row is None else float(row[0])


TRIALS = (beside_a_backlog,)
