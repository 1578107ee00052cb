"""A long run with thousands of turns, in the middle of which every worker is killed."""

from __future__ import annotations

from typing import Any

import psycopg

from api_shim import MemoryClient
from harness.chaos.image import Losses
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

FAST = ("sweep", "archive", "consolidate")
SLOW = ("extract", "embed", "judge", "summarize")
#: The share of the turns that has become facts when the workers are killed.
STRUCK_AT = 0.3

_COUNTS = """
SELECT (SELECT count(DISTINCT (user_id, turn_id)) FROM turns), (SELECT count(*) FROM turns),
       (SELECT count(DISTINCT (user_id, text)) FROM facts), (SELECT coalesce(sum(times_seen), 0) FROM facts)
"""
#: A call that was reserved after an answer of the same batch was stored.
_EXTRA_CALLS = """
SELECT count(*) FROM llm_calls AS c
WHERE c.stage = 'extract' AND EXISTS (
    SELECT FROM answers AS a
    WHERE a.batch_id = c.batch_id AND a.attempt = 1 AND a.answer IS NOT NULL AND a.created_at < c.reserved_at
)
"""


def workers_killed(lane: Lane, *, turns: int = 5_000, users: int = 50) -> Outcome:
    """Write the turns, kill -9 every worker in the middle of the work, and start new ones."""
    lane.begin()
    write(lane, turns=turns, users=users)
    first = [fast_worker(lane, "fast-1"), slow_worker(lane, "slow-1")]
    second = [fast_worker(lane, "fast-2"), slow_worker(lane, "slow-2")]
    try:
        with lane.clock(), lane.database() as connection:
            for worker in first:
                worker.start()
            wait_until(lambda: _facts(connection) >= turns * STRUCK_AT, seconds=300)
            for worker in first:
                worker.kill()
            done = _facts(connection)
            watch = Stopwatch()
            for worker in second:
                worker.start()
            for worker in second:
                watch.started(worker)
            lane.wait_until_settled(seconds=300, turns=turns)
            watch.settled()
            return outcome(connection, f"kill -9 of every worker, {done:,} of {turns:,} turns done", turns, watch)
    finally:
        for worker in (*first, *second):
            worker.kill()


def write(lane: Lane, *, turns: int, users: int) -> None:
    """Write these numbers of turns and users, each turn with different words, and flush."""
    for user in range(users):
        memory = MemoryClient(f"user-{user}", settings=lane.settings)
        numbers = range(user, turns, users)
        memory.write_many({"role": "user", "content": f"I own the red bicycle No. {number}."} for number in numbers)
        memory.flush()


def outcome(
    connection: psycopg.Connection[Any], fault: str, turns: int, watch: Stopwatch, *, injected: int = 1
) -> Outcome:
    """Compare the result with the written turns: each turn once, and one fact of each."""
    found = losses(connection, turns)
    return Outcome(
        fault=fault,
        injected=injected,
        turns_lost=found.turns_lost,
        turns_doubled=found.turns_doubled,
        facts_lost=found.facts_lost,
        facts_doubled=found.facts_doubled,
        extra_llm_calls=extra_calls(connection),
        recovery_seconds=round(watch.recovery_seconds, 2),
        start_seconds=round(watch.start_seconds, 2),
    )


def extra_calls(connection: psycopg.Connection[Any]) -> int:
    """Count the calls for a batch whose answer was already stored."""
    row = connection.execute(_EXTRA_CALLS).fetchone()
    return 0 if row is None else int(row[0])


def losses(connection: psycopg.Connection[Any], turns: int) -> Losses:
    """Count lost and doubled turns and facts."""
    row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    distinct_turns, all_turns, distinct_facts, seen = (int(value) for value in row)
    return Losses(
        turns_lost=turns - distinct_turns,
        turns_doubled=all_turns - distinct_turns,
        facts_lost=turns - distinct_facts,
        facts_doubled=seen - distinct_facts,
    )


def _facts(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM facts").fetchone()
    return 0 if row is None else int(row[0])


def fast_worker(lane: Lane, name: str) -> WorkerProcess:
    return WorkerProcess(lane.settings, lane.directory, name, pool="prefork", queues=FAST, concurrency=2)


def slow_worker(lane: Lane, name: str) -> WorkerProcess:
    return WorkerProcess(lane.settings, lane.directory, name, queues=SLOW, concurrency=8)
