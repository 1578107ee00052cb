"""Measure the cost of idle sessions for the sweep: `python -m bench.idle_sessions [--sessions N] [--json]`.

It starts redis-server and PostgreSQL, and fills four databases with SQL: without sessions, with 1,000, with all, and
with all of which one has open work. An idle session is archived, applied and summarized; its user has no other session.
Sweeps of the four are interleaved, so that a busy machine slows all of them equally.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from urllib.parse import urlsplit, urlunsplit

import psycopg

from afterturn import settings as settings_module
from afterturn.hot import keys
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.pipeline import prepare
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import sweep
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from afterturn.watching import reading, reports
from afterturn.watching.status import Selection, Status
from bench import report, timing
from bench.report import Line, Value
from harness import idle_sessions, query_plans, servers

DEFAULT_SESSIONS = 100_000
FEW = 1_000
ROUNDS = 200
WARMUP_ROUNDS = 20

LINES = (
    Line(name="sweep_none_ms", meaning="one sweep without sessions and open work, median"),
    Line(name="sweep_few_ms", meaning=f"the same with {FEW:,} idle sessions"),
    Line(name="sweep_all_ms", meaning="the same with all idle sessions"),
    Line(name="sweep_all_p95_ms", meaning="the same, 95th percentile"),
    Line(name="sweep_one_owed_ms", meaning="with all, of which one has an open batch, which is found and enqueued"),
    Line(name="ratio", meaning="all over none", aim=1.25),
    Line(name="one_owed_found", meaning="share of these sweeps that found the open batch", aim=1, is_floor=True),
    Line(name="sequential_scans", meaning="tables that a plan of the sweep or of the status scans", aim=0),
    Line(name="status_ms", meaning="`afterturn status` without its start, all idle sessions, median"),
    Line(name="reconcile_none_ms", meaning="one search of an empty Redis for unindexed turns (each minute), median"),
    Line(name="reconcile_all_ms", meaning="the same with one list of recent turns for each session"),
    Line(name="sessions", meaning="the number of all sessions"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.idle_sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=DEFAULT_SESSIONS, help="number of all sessions (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="sweeps per median (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    figures = measured(arguments.sessions, arguments.rounds)
    if arguments.json:
        print(report.as_json(figures))
    else:
        report.show("Idle sessions", LINES, figures)


def measured(sessions: int, rounds: int) -> dict[str, Value]:
    """Fill the databases and return the figures."""
    with ExitStack() as running:
        data_dir = running.enter_context(servers.directory())
        redis_server = running.enter_context(RedisServer(data_dir))
        postgres = running.enter_context(PostgresServer(data_dir))
        counts = {"none": 0, "few": FEW, "all": sessions, "one_owed": sessions}
        runtimes = {
            name: running.enter_context(_filled(redis_server.url, postgres.url, name, count))
            for name, count in counts.items()
        }
        _owe_one(runtimes["one_owed"])
        everything = runtimes["all"]
        reconcile_none = _milliseconds(lambda: sweep.reconcile(everything), rounds=20)
        _keep_recent(everything, sessions)
        timings, found = _sweeps(runtimes, rounds)
        return _figures(timings) | {
            "one_owed_found": found / (rounds + WARMUP_ROUNDS),
            "sequential_scans": len(query_plans.sequential_scans(everything)),
            "status_ms": _milliseconds(lambda: _status(everything), rounds=20),
            "reconcile_none_ms": reconcile_none,
            "reconcile_all_ms": _milliseconds(lambda: sweep.reconcile(everything), rounds=20),
            "sessions": sessions,
        }


def _status(runtime: Runtime) -> Status:
    return reading.read_report(runtime.settings, reports.status(runtime.settings, Selection()))


def _figures(timings: dict[str, list[float]]) -> dict[str, Value]:
    medians = {f"sweep_{name}_ms": median(values) for name, values in timings.items()}
    return {
        **medians,
        "sweep_all_p95_ms": timing.percentile(timings["all"], 0.95),
        "ratio": timing.ratio_of_medians(timings["all"], timings["none"]),
    }


def _sweeps(runtimes: dict[str, Runtime], rounds: int) -> tuple[dict[str, list[float]], int]:
    """Sweep each database once per round. Return the milliseconds of each, and how often the open batch was found."""
    timings: dict[str, list[float]] = {name: [] for name in runtimes}
    found = 0
    order = list(runtimes.items())
    shuffled = random.Random(0)
    for number in range(WARMUP_ROUNDS + rounds):
        shuffled.shuffle(order)
        for name, runtime in order:
            runtime.redis.delete(keys.SWEEP_GATE)
            if name == "one_owed":
                _forget_hint(runtime)
                runtime.redis.delete("extract")  # its queue, as if a worker had taken the message
            owed: dict[str, int] = {}
            microseconds = timing.timed(lambda: owed.update(sweep.sweep(runtime)))  # noqa: B023 - called at once
            found += owed.get("extract", 0)
            if number >= WARMUP_ROUNDS:
                timings[name].append(microseconds / 1_000)
    return timings, found


def _milliseconds(operation: timing.Operation, *, rounds: int) -> float:
    return median(timing.timed(operation) for _ in range(rounds)) / 1_000


@contextmanager
def _filled(redis_url: str, postgres_url: str, name: str, sessions: int) -> Iterator[Runtime]:
    """Create a database with this number of idle sessions, and yield a runtime for it."""
    database = f"idle_{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{database}"))
    settings = _settings(redis_url, url)
    prepare.prepare_database(url, settings)
    idle_sessions.fill(url, sessions)
    runtime = Runtime(settings, pool_size=2)
    try:
        yield runtime
    finally:
        runtime.close()


def _settings(redis_url: str, postgres_url: str) -> Settings:
    return settings_module.load({"AFTERTURN_REDIS_URL": redis_url, "AFTERTURN_POSTGRES_URL": postgres_url})


def _owe_one(runtime: Runtime) -> None:
    """Make the batch of one session pending again."""
    with runtime.postgres.connection() as connection:
        connection.execute(
            "UPDATE batches SET state = 'pending', applied_at = NULL, embedded_at = NULL, extracted_at = NULL"
            " WHERE user_id = 'user-' || (SELECT count(*) / 2 FROM users)"
        )


def _forget_hint(runtime: Runtime) -> None:
    with runtime.postgres.connection() as connection:
        connection.execute("UPDATE batches SET hinted_at = NULL WHERE state = 'pending'")


def _keep_recent(runtime: Runtime, sessions: int) -> None:
    """Write a list of recent turns for each session, as the archive stage does."""
    with runtime.redis.pipeline(transaction=False) as pipeline:
        for number in range(1, sessions + 1):
            key = keys.recent(SessionScope("default", f"user-{number}", "session"))
            pipeline.rpush(key, b"x" * 200)
            pipeline.expire(key, runtime.settings.recent_seconds)
            if number % 10_000 == 0:
                pipeline.execute()
        pipeline.execute()


if __name__ == "__main__":
    main()
