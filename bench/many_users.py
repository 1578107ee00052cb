"""Many users with one turn each: `python -m bench.many_users [--users N] [--json]`.

Starts redis-server, PostgreSQL (durable, as `afterturn up` does) and a test LLM that answers at once, and writes one
turn of each user while no worker runs. Then the workers and beat start, with the settings that `afterturn up` has, and
the backlog is archived. Every few seconds a new user comes and waits for the archive of their turn. When all turns are
archived, what became of them is counted for a while longer: batches, messages, losses.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import LiteralString

import redis

from afterturn.client import connections
from afterturn.local.services import ServiceName
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from bench import ledger, processors, report
from bench.ledger import Ledger
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.llm_server import LLMServerProcess

WORKERS: tuple[ServiceName, ...] = ("fast worker", "slow worker", "beat")

LINES = (
    Line(name="archived_per_s", meaning="users' turns archived per second", aim=500, is_floor=True),
    Line(name="archived_per_s_last_tenth", meaning="the same, of the last tenth of them"),
    Line(name="last_tenth_over_mean", meaning="the latter over the former", aim=0.8, is_floor=True),
    Line(name="messages_per_batch", meaning="messages to all stages, per batch applied", aim=8),
    Line(name="new_user_archived_s", meaning="the longest that a new user waited beside the backlog", aim=3),
    Line(name="lost", meaning="turns written that are not in Postgres", aim=0),
    Line(name="doubled", meaning="turns that are there more than once", aim=0),
    Line(name="share_of_others", meaning="share of the machine's work meanwhile that was not ours"),
    Line(name="cpu_ms_per_turn", meaning="time of all our processors until all were archived, servers included, each"),
    Line(name="new_users", meaning="new users that came beside the backlog"),
    Line(name="applied_batches", meaning="batches that became facts by the end"),
    Line(name="users", meaning="users with one turn each"),
)

#: The interval of new users.
NEW_USER_SECONDS = 3.0
#: How often Postgres is asked for a new user's turn: a result is late by half of it on average.
LOOK_SECONDS = 0.05
#: After this time without an archived turn, the rest is counted as lost.
STALLED_SECONDS = 120.0

_FOUND: LiteralString = "SELECT EXISTS (SELECT FROM turns WHERE user_id = %(user_id)s) AS is_archived"
_COUNTS: LiteralString = """
SELECT count(*) AS turns, count(DISTINCT (user_id, session_id, turn_id)) AS distinct_turns FROM turns
"""
#: From the first archive on, and from the one with which nine of ten were archived.
_SECONDS: LiteralString = """
SELECT extract(epoch FROM max(archived_at) - min(archived_at))::float AS seconds,
       extract(epoch FROM max(archived_at) - percentile_disc(0.9) WITHIN GROUP (ORDER BY archived_at))::float
           AS last_seconds,
       count(*) AS turns
FROM turns WHERE user_id NOT LIKE 'new-%%'
"""
_BATCHES: LiteralString = """
SELECT count(*) FILTER (WHERE state = 'applied') AS applied, count(*) AS batches FROM batches
"""


def main() -> None:
    report.run("Many users", LINES, measured, _arguments())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.many_users", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help="each with one turn (%(default)s)")
    parser.add_argument(
        "--seconds-after", type=float, default=60.0, help="how long facts are made after the archive (%(default)s)"
    )
    parser.add_argument("--keep", type=Path, help="keep the servers' data and logs in this directory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, Value]:
    """Write the turns, start the workers, and return the figures. Stops all processes, also after an error."""
    with ExitStack() as running:
        progress = running.enter_context(Progress(is_shown=not arguments.json))
        progress.begin("servers")
        directory = arguments.keep or running.enter_context(servers.directory())
        llm = running.enter_context(LLMServerProcess("--keep", "1"))
        given = servers.own_settings(llm_base_url=llm.base_url, llm_api_key="test")
        stack = running.enter_context(Stack(given, data_dir=directory / "servers", commands=COMMANDS, names=()))
        settings = stack.settings
        running.callback(connections.close_connections)
        assert stack.postgres is not None
        book = running.enter_context(ledger.opened(stack.postgres.url))
        _write(arguments.users, settings, progress)
        before = processors.now()
        running.enter_context(Stack(settings, data_dir=directory / "workers", commands=COMMANDS, names=WORKERS))
        waited = list(_new_users(arguments.users, settings, book, progress))
        after = processors.now()
        _wait_for_batches(arguments.seconds_after, book, progress)
        figures = _figures(arguments.users, len(waited), settings, book)
        if before is not None and after is not None:
            figures |= after.figures(before, arguments.users)
        return figures | {"new_user_archived_s": max(waited, default=None), "new_users": len(waited)}


def _write(users: int, settings: Settings, progress: Progress) -> None:
    progress.begin("turns written", users)
    for number in range(users):
        MemoryClient(f"user-{number}", "chat", settings=settings).write("user", f"I live at number {number}.")
        if number % 1_000 == 0:
            progress.reached(number)


def _new_users(users: int, settings: Settings, book: Ledger, progress: Progress) -> Iterator[float]:
    """Write a new user's turn every few seconds until all others are archived, and yield the wait of each."""
    progress.begin("turns archived", users)
    archived, moved_at = 0, time.monotonic()
    for number in itertools.count():
        came_at = time.monotonic()
        user_id = f"new-{number}"
        MemoryClient(user_id, "chat", settings=settings).write("user", "I have just arrived.")
        while not book.rows(_FOUND, user_id=user_id)[0]["is_archived"]:
            if time.monotonic() - moved_at > STALLED_SECONDS:
                return
            time.sleep(LOOK_SECONDS)
        seconds = time.monotonic() - came_at
        time.sleep(max(0.0, NEW_USER_SECONDS - seconds))
        found = book.count("turns") - number - 1
        progress.reached(found)
        if found > archived:
            archived, moved_at = found, time.monotonic()
        if archived >= users:
            return
        yield seconds


def _wait_for_batches(seconds: float, book: Ledger, progress: Progress) -> None:
    """Wait until every batch that was cut is applied, or until the timeout."""
    progress.begin("batches applied", book.count("turns"))
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = book.rows(_BATCHES)[0]
        progress.reached(found["applied"])
        if found["applied"] == book.count("turns"):
            return
        time.sleep(0.5)


def _figures(users: int, new_users: int, settings: Settings, book: Ledger) -> dict[str, Value]:
    counts, batches, archived = book.rows(_COUNTS)[0], book.rows(_BATCHES)[0], book.rows(_SECONDS)[0]
    mean = archived["turns"] / max(archived["seconds"] or 0.0, LOOK_SECONDS)
    last = archived["turns"] / 10 / max(archived["last_seconds"] or 0.0, LOOK_SECONDS)
    messages = _messages(settings)
    return {
        "archived_per_s": mean,
        "archived_per_s_last_tenth": last,
        "last_tenth_over_mean": last / mean if mean else None,
        "messages_per_batch": messages / batches["applied"] if batches["applied"] else None,
        "messages": messages,
        "lost": users + new_users + 1 - counts["distinct_turns"],
        "doubled": counts["turns"] - counts["distinct_turns"],
        "applied_batches": batches["applied"],
        "users": users,
    }


def _messages(settings: Settings) -> int:
    """Return how many messages were sent so far: on Redis, only Celery uses LPUSH, once per message."""
    with redis.Redis.from_url(settings.redis_url) as client:
        return int(client.info("commandstats").get("cmdstat_lpush", {}).get("calls", 0))


if __name__ == "__main__":
    main()
