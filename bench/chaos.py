"""Measure the effect of every fault: `python -m bench.chaos [--json] [--lanes N]`.

The exit code is 1 if anything is lost or doubled. Real worker processes are killed (SIGKILL) and paused (SIGSTOP) at
every named step; messages are lost, multiplied and reordered; models and servers are away for a time. After each fault
the memory is compared, row by row, with that of a run without faults. The scenarios are in harness/chaos; tests/chaos
runs some of them.
"""

from __future__ import annotations

import argparse
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from afterturn.client import connections
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from bench import report
from bench.progress import Progress
from harness import servers
from harness.chaos import (
    clock_trials,
    clocks,
    crash,
    delivery,
    many_turns,
    neighbours,
    outages,
    poison,
    redis_refusals,
    servers_down,
    trial,
)
from harness.chaos.image import Image
from harness.chaos.lane import Lane, database
from harness.chaos.trial import Outcome

Trial = tuple[str, Callable[[Lane, Image], Outcome]]

#: The longest recovery of a stuck batch with the default settings.
RECOVERY_LIMIT_SECONDS = 60.0
#: Points at which a paused worker has unfinished work.
SLEEPS = (*crash.REFUSED, "archive.entries_read", "archive.before_commit", "embed.before_commit", "consolidate.decided")
CHILDREN = ("sweep.hints_committed", "archive.after_commit", "consolidate.before_commit")
#: The points with the longest recovery under the default settings: for a claim, for a lease and a hint, for the user
#: lock.
WITH_DEFAULTS = ("archive.begun", "extract.answer_stored", "consolidate.lock_taken")
#: Each lane uses two consecutive Redis databases.
DATABASES_PER_LANE = 2

TABLE_COLUMNS = 140
COUNTS = ("turns_lost", "turns_doubled", "facts_lost", "facts_doubled", "extra_llm_calls")


def main() -> None:
    arguments = _arguments()
    started = time.monotonic()
    try:
        rows = measured(arguments)
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
    totals = _totals(rows, time.monotonic() - started)
    if arguments.json:
        print(report.as_json({"rows": [row.to_json() for row in rows], **totals}))
    else:
        _show(rows, totals)
    is_clean = all(row.is_clean and (row.recovery_seconds or 0) <= RECOVERY_LIMIT_SECONDS for row in rows)
    raise SystemExit(0 if is_clean else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--lanes", type=int, default=3, help="trials at the same time (%(default)s)")
    parser.add_argument("--only", default="", help="trials whose name contains this")
    parser.add_argument("--turns", type=int, default=5_000, help="turns of the long run (%(default)s)")
    parser.add_argument("--keep", type=Path, help="keep the servers' data and logs in this directory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> list[Outcome]:
    """Run all trials and return their rows in the order of the table."""
    with ExitStack() as running:
        directory = arguments.keep or running.enter_context(servers.directory())
        progress = running.enter_context(Progress(is_shown=not arguments.json))
        running.callback(connections.close_connections)
        rows = _in_lanes(_trials(), arguments.lanes, directory, arguments.only, progress)
        rows += _with_embedder(directory, arguments.only, progress)
        rows += _with_own_servers(directory, arguments.only, progress)
        rows += _with_defaults(directory, arguments.only, progress)
        rows += _long_run(directory, arguments, progress)
        rows += _beside_backlogs(directory, arguments.only, progress)
        return rows


def _trials() -> list[Trial]:
    trials: list[Trial] = [(f"kill at {point}", _at(crash.crash, point)) for point in crash.points()]
    trials += [(f"kill child at {point}", _at(crash.child_crash, point)) for point in CHILDREN]
    trials += [(f"sleep at {point}", _at(crash.sleep, point)) for point in SLEEPS]
    trials += [(run.__name__, run) for run in (*delivery.TRIALS, *outages.TRIALS, *poison.TRIALS)]
    if clocks.find_compiler() is not None:
        trials += [(run.__name__, run) for run in clock_trials.TRIALS]
    return trials


def _at(function: Callable[[Lane, Image, str], Outcome], point: str) -> Callable[[Lane, Image], Outcome]:
    return lambda lane, expected: function(lane, expected, point)


def _in_lanes(trials: Sequence[Trial], lanes: int, directory: Path, only: str, progress: Progress) -> list[Outcome]:
    """Run trials in parallel. Each lane takes the next trial when it is done."""
    wanted = _wanted(trials, only)
    if not wanted:
        return []
    waiting: queue.SimpleQueue[tuple[int, Trial]] = queue.SimpleQueue()
    for place in enumerate(wanted):
        waiting.put(place)
    rows: dict[int, Outcome] = {}
    progress.begin("faults in lanes", len(wanted))
    with _lanes(directory / "lanes", lanes) as opened:
        threads = [threading.Thread(target=_work, args=(lane, waiting, rows, progress)) for lane in opened]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [rows[place] for place in sorted(rows)]


def _work(
    lane: Lane, waiting: queue.SimpleQueue[tuple[int, Trial]], rows: dict[int, Outcome], progress: Progress
) -> None:
    expected = trial.uninterrupted(lane)
    while True:
        try:
            place, (name, run) = waiting.get_nowait()
        except queue.Empty:
            return
        rows[place] = _tried(name, lambda run=run: run(lane, expected))  # type: ignore[misc]
        progress.reached(len(rows))


def _tried(name: str, run: Callable[[], Outcome]) -> Outcome:
    try:
        return run()
    except Exception as error:
        return trial.failed(name, error)


@contextmanager
def _lanes(directory: Path, count: int, **options: object) -> Iterator[list[Lane]]:
    """Open lanes on one Redis and one Postgres."""
    with ExitStack() as running:
        redis_server = running.enter_context(RedisServer(directory))
        postgres = running.enter_context(PostgresServer(directory, durable=False))
        opened = []
        for number in range(count):
            redis_url = f"{redis_server.url.rpartition('/')[0]}/{number * DATABASES_PER_LANE}"
            postgres_url = database(postgres.url, f"lane_{number}")
            lane = Lane(redis_url, postgres_url, directory / f"lane-{number}", **options)  # type: ignore[arg-type]
            opened.append(running.enter_context(lane))
        yield opened


def _with_embedder(directory: Path, only: str, progress: Progress) -> list[Outcome]:
    trials = (*outages.EMBEDDER_TRIALS, *poison.EMBEDDER_TRIALS)
    wanted = _wanted([(run.__name__, run) for run in trials], only)
    if not wanted:
        return []
    progress.begin("embedder away", len(wanted))
    with _lanes(directory / "embedder", 1, **outages.EMBEDDER_SETTINGS) as [lane]:
        expected = trial.uninterrupted(lane)
        return [_tried(name, lambda run=run: run(lane, expected)) for name, run in wanted]  # type: ignore[misc]


def _with_own_servers(directory: Path, only: str, progress: Progress) -> list[Outcome]:
    trials = (*servers_down.TRIALS, *redis_refusals.TRIALS)
    wanted = [run for run in trials if only in run.__name__]
    if not wanted:
        return []
    progress.begin("servers down", len(wanted))
    with servers_down.OwnServers(directory / "own") as own:
        expected = trial.uninterrupted(own.lane)
        return [_tried(run.__name__, lambda run=run: run(own, expected)) for run in wanted]  # type: ignore[misc]


def _with_defaults(directory: Path, only: str, progress: Progress) -> list[Outcome]:
    """Run the trials with the default settings, all at the same time, because they mostly wait."""
    named = [(f"default settings: kill at {point}", point) for point in WITH_DEFAULTS]
    wanted = [(name, point) for name, point in named if only in name]
    if not wanted:
        return []
    progress.begin("default settings", len(wanted))
    rows: dict[str, Outcome] = {}

    def run(lane: Lane, name: str, point: str) -> None:
        outcome = _tried(name, lambda: crash.crash(lane, trial.uninterrupted(lane), point))
        rows[name] = trial.renamed(outcome, name)

    with _lanes(directory / "defaults", len(wanted), is_quick=False) as lanes:
        threads = [threading.Thread(target=run, args=(lane, *named)) for lane, named in zip(lanes, wanted, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [rows[name] for name, _ in wanted]


def _long_run(directory: Path, arguments: argparse.Namespace, progress: Progress) -> list[Outcome]:
    name = "kill -9 of every worker"
    if arguments.only not in name:
        return []
    progress.begin(f"{arguments.turns:,} turns, every worker killed")
    with _lanes(directory / "long", 1, is_quick=False, batch_turns=20) as [lane]:
        return [_tried(name, lambda: many_turns.workers_killed(lane, turns=arguments.turns))]


def _beside_backlogs(directory: Path, only: str, progress: Progress) -> list[Outcome]:
    wanted = [run for run in neighbours.TRIALS if only in run.__name__]
    if not wanted:
        return []
    progress.begin("users beside a backlog", len(wanted))
    with _lanes(directory / "neighbours", 1) as [lane]:
        return [_tried(run.__name__, lambda run=run: run(lane)) for run in wanted]  # type: ignore[misc]


def _wanted(trials: Sequence[Trial], only: str) -> list[Trial]:
    return [(name, run) for name, run in trials if only in name]


def _totals(rows: Sequence[Outcome], seconds: float) -> dict[str, float | int | str | None]:
    recovered = [row.recovery_seconds for row in rows if row.recovery_seconds is not None]
    totals: dict[str, float | int | str | None] = {name: sum(getattr(row, name) for row in rows) for name in COUNTS}
    totals["recovery_max_s"] = max(recovered, default=None)
    totals["faults"] = len(rows)
    totals["injected"] = sum(row.injected for row in rows)
    totals["unclean"] = sum(not row.is_clean for row in rows)
    totals["took_s"] = round(seconds, 1)
    return totals


def _show(rows: Sequence[Outcome], totals: dict[str, float | int | str | None]) -> None:
    table = Table(title="Faults, and what they cost", title_justify="left")
    table.add_column("fault")
    for name in ("injected", *COUNTS, "recovery s"):
        table.add_column(name.replace("_", " "), justify="right")
    for row in rows:
        counts = [str(getattr(row, name)) for name in COUNTS]
        problem = row.problem or (f"differs: {', '.join(row.differing)}" if row.differing else "")
        fault = f"{row.fault}\n{problem}" if problem else row.fault
        seconds = "-" if row.recovery_seconds is None else f"{row.recovery_seconds:.1f}"
        table.add_row(fault, str(row.injected), *counts, seconds)
    table.add_section()
    worst = totals["recovery_max_s"]
    table.add_row(
        f"all {totals['faults']} in {totals['took_s']} s; {totals['unclean']} not clean",
        str(totals["injected"]),
        *(str(totals[name]) for name in COUNTS),
        "-" if worst is None else f"{worst:.1f}",
    )
    # In a file, rich would write only 80 columns.
    Console(width=max(Console().width, TABLE_COLUMNS)).print(table)


if __name__ == "__main__":
    main()
