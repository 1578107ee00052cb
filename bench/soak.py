"""A soak test with permanent failures: `python -m bench.soak --minutes 10 [--json]`.

The exit code is 1 if anything is lost. Four processes write turns while workers, beat, Redis (append-only file, fsync
always) and Postgres are killed every few seconds and restarted, and an LLM fails a fifth of its calls. Each writer has
a ledger of the acknowledged turns, and writes the others again with the same id. At the end the faults stop, all
sessions are flushed and processed, and Postgres is compared with the ledgers. `--scenario workers` instead kills every
worker once in the middle of `--turns` turns. `--scenario llm-away` and `postgres-away` kill nothing: the LLM hangs, or
Postgres is stopped, for the given minutes.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from afterturn.client import connections
from bench import report
from bench.progress import Progress
from bench.report import Line
from harness import servers
from harness.chaos import many_turns, trial
from harness.chaos.lane import Lane
from harness.chaos.soak_writers import Ledgers, Writers
from harness.chaos.struck_stack import StruckStack

LINES = (
    Line(name="turns", meaning="acknowledged turns"),
    Line(name="lost", meaning="acknowledged turns that are not in Postgres", aim=0),
    Line(name="doubled", meaning="turns that are in Postgres more than once", aim=0),
    Line(name="unknown", meaning="turns in Postgres that no writer has written", aim=0),
    Line(name="out_of_order", meaning="turns before one that their writer wrote earlier", aim=0),
    Line(name="facts_lost", meaning="turns without their fact", aim=0),
    Line(name="facts_doubled", meaning="facts that exist, or were counted, more than once", aim=0),
    Line(name="dead", meaning="dead batches", aim=0),
    Line(name="extra_llm_calls", meaning="calls for a batch whose answer was already stored", aim=0),
    Line(name="kills", meaning="processes killed with SIGKILL"),
    Line(name="refused_writes", meaning="writes that were not acknowledged and were repeated"),
    Line(name="recovery_s", meaning="from the end of the faults and the traffic until there is no open work"),
)
#: The longest time for the rest of the work.
DRAIN_SECONDS = 600.0
FAILING_SHARE = 0.2
#: A failure counts against a batch when other calls succeed, as they do here: so many attempts none of them needs.
ATTEMPTS = 50
#: Traffic before and after an outage.
HEALTHY_SECONDS = 15.0


def main() -> None:
    arguments = _arguments()
    figures = report.run("The soak test: permanent failures", LINES, SCENARIOS[arguments.scenario], arguments)
    raise SystemExit(any(line.aim == 0 and figures.get(line.name) for line in LINES))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--scenario", choices=tuple(SCENARIOS), default="everything")
    parser.add_argument("--turns", type=int, default=5_000, help="turns of the scenario `workers` (%(default)s)")
    parser.add_argument("--per-second", type=float, default=10.0, help="turns of each of the 4 writers (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the kills and of the LLM's failures")
    parser.add_argument("--keep", type=Path, help="keep the servers' data and logs in this directory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, report.Value]:
    """Run with kills for the given time, stop them, process all turns, and compare."""
    with _running(arguments, attempts=ATTEMPTS) as run:
        run.stack.llm.fail("status", status=500, probability=FAILING_SHARE, seed=arguments.seed)
        run.progress.begin("kills")
        ends_at = time.monotonic() + arguments.minutes * 60
        while time.monotonic() < ends_at:
            run.stack.strike()
            run.progress.reached(run.stack.kills.total())
        return run.settled() | _struck(run.stack.kills)


def _outage(arguments: argparse.Namespace) -> dict[str, report.Value]:
    """Let a server be away for the given time while turns are written, and compare."""
    with _running(arguments) as run:
        _wait(run, "traffic before", HEALTHY_SECONDS)
        with OUTAGES[arguments.scenario](run.stack):
            _wait(run, "the outage", arguments.minutes * 60)
        _wait(run, "traffic after", HEALTHY_SECONDS)
        return run.settled()


def _wait(run: _Run, what: str, seconds: float) -> None:
    run.progress.begin(f"{what}, seconds", round(seconds))
    started = time.monotonic()
    while (passed := time.monotonic() - started) < seconds:
        run.progress.reached(round(passed))
        time.sleep(min(1.0, seconds - passed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """What runs while a scenario happens."""

    stack: StruckStack
    writers: Writers
    progress: Progress

    def settled(self) -> dict[str, report.Value]:
        """Stop the writers and the faults, wait until there is no open work, and compare."""
        ledgers = self.writers.stop()
        self.stack.llm.heal()
        self.stack.heal()
        self.progress.begin("turns that became facts", ledgers.acknowledged)
        seconds = self.stack.drain(ledgers.sessions, turns=ledgers.acknowledged, seconds=DRAIN_SECONDS)
        with psycopg.connect(self.stack.settings.postgres_url.get_secret_value(), autocommit=True) as connection:
            compared = _compared(connection, ledgers)
        return compared | {"refused_writes": ledgers.refused, "recovery_s": round(seconds, 1)}


@contextmanager
def _running(arguments: argparse.Namespace, **changed: object) -> Iterator[_Run]:
    """Start everything, and the writers."""
    with ExitStack() as running:
        directory = arguments.keep or running.enter_context(servers.directory())
        progress = running.enter_context(Progress(is_shown=not arguments.json))
        progress.begin("starting")
        stack = running.enter_context(StruckStack(directory, random.Random(arguments.seed), **changed))
        running.callback(connections.close_connections)
        writers = running.enter_context(Writers(stack.settings, directory, per_second=arguments.per_second))
        yield _Run(stack=stack, writers=writers, progress=progress)


def _compared(connection: psycopg.Connection[tuple[object, ...]], ledgers: Ledgers) -> dict[str, report.Value]:
    found = ledgers.compared(connection)
    losses = many_turns.losses(connection, ledgers.acknowledged)
    dead = connection.execute("SELECT count(*) FROM batches WHERE state = 'dead'").fetchone()
    return {
        "turns": ledgers.acknowledged,
        "lost": found.lost,
        "doubled": found.doubled,
        "unknown": found.unknown,
        "out_of_order": found.out_of_order,
        "facts_lost": losses.facts_lost,
        "facts_doubled": losses.facts_doubled,
        "dead": int(str(dead[0])) if dead else None,
        "extra_llm_calls": many_turns.extra_calls(connection),
    }


def _struck(kills: Counter[str]) -> dict[str, report.Value]:
    by_name: dict[str, report.Value] = {f"kills_{name.replace(' ', '_')}": count for name, count in kills.items()}
    return {"kills": kills.total(), **by_name}


def _of_workers(arguments: argparse.Namespace) -> dict[str, report.Value]:
    """Kill every worker once in the middle of a long run."""
    with ExitStack() as running:
        directory = arguments.keep or running.enter_context(servers.directory())
        redis_server, postgres = running.enter_context(servers.pair(directory))
        running.callback(connections.close_connections)
        lane = running.enter_context(
            Lane(redis_server.url, postgres.url, directory / "lane", is_quick=False, batch_turns=20)
        )
        row: trial.Outcome = many_turns.workers_killed(lane, turns=arguments.turns)
        return {
            "turns": arguments.turns,
            "lost": row.turns_lost,
            "doubled": row.turns_doubled,
            "facts_lost": row.facts_lost,
            "facts_doubled": row.facts_doubled,
            "extra_llm_calls": row.extra_llm_calls,
            "kills": 2,
            "recovery_s": row.recovery_seconds,
        }


OUTAGES: dict[str, Callable[[StruckStack], AbstractContextManager[None]]] = {
    "llm-away": StruckStack.llm_away,
    "postgres-away": StruckStack.postgres_away,
}
SCENARIOS: dict[str, Callable[[argparse.Namespace], dict[str, report.Value]]] = {
    "everything": measured,
    "workers": _of_workers,
    **dict.fromkeys(OUTAGES, _outage),
}


if __name__ == "__main__":
    main()
