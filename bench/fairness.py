"""Whether one user's backlog delays another: `python -m bench.fairness [--turns N] [--llm-latency S] [--json]`.

Starts redis-server, PostgreSQL, a test LLM in a process of its own, two workers and beat, once for each part:

- one user writes many turns while the model answers at once: how fast are that user's batches applied?
- a quiet user says one thing and flushes, with nobody else there: how long until the fact can be found?
- the same, while another user has a backlog; while all users of another tenant have one; beside an import; and while
  one long session is being archived. Each time a new quiet user asks, so that no probe waits for the one before.

Other settings come from the environment, as always: AFTERTURN_SLOW_CONCURRENCY=16 python -m bench.fairness
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from afterturn.client import connections
from afterturn.local.services import ServiceName
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from bench import ledger, neighbours, processors, report
from bench.neighbours import Running
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.llm_server import LLMServerProcess

WORKERS: tuple[ServiceName, ...] = ("fast worker", "slow worker", "beat")
#: The allowed additional wait of a quiet user beside backlogs, compared with alone.
ALLOWED_DELAY_SECONDS = 5.0

LINES = (
    Line(
        name="applied_batches_per_s_one_user",
        meaning="one user's backlog, the model answers at once: batches applied per second",
        aim=5,
        is_floor=True,
    ),
    Line(name="cpu_ms_per_batch", meaning="time of all our processors in it, servers included, per batch applied"),
    Line(name="cpu_ms_per_batch_fast", meaning="of it: the fast worker (archive, consolidate)"),
    Line(name="cpu_ms_per_batch_slow", meaning="of it: the slow worker (LLM, embedder)"),
    Line(name="cpu_ms_per_batch_postgres", meaning="of it: PostgreSQL"),
    Line(name="quiet_alone_s", meaning="from a quiet user's write and flush to the fact, nobody else there; slowest"),
    Line(name="quiet_beside_noisy_s", meaning="the same beside one user with a backlog; slowest"),
    Line(name="quiet_beside_tenant_s", meaning="the same beside a tenant of many users with a backlog; slowest"),
    Line(name="quiet_beside_import_s", meaning="the same beside an import of old conversations; slowest"),
    Line(name="quiet_beside_session_s", meaning="the same while a long session is being archived; slowest"),
    Line(name="quiet_delay_s", meaning="the longest of them less alone", aim=ALLOWED_DELAY_SECONDS),
    Line(name="noisy_batches_per_s", meaning="batches of the one user extracted per second meanwhile"),
    Line(name="share_of_others", meaning="share of the machine's work that was not ours; with much, do not trust it"),
)


def main() -> None:
    report.run("Fairness: one user's backlog and the others", LINES, measured, _arguments())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fairness", description=__doc__)
    parser.add_argument("--turns", type=int, default=20_000, help="turns of the backlogs (%(default)s)")
    parser.add_argument("--session-turns", type=int, default=50_000, help="turns of the long session (%(default)s)")
    parser.add_argument("--one-user-turns", type=int, default=6_000, help="turns of the first part (%(default)s)")
    parser.add_argument("--users", type=int, default=1_000, help="users of the other tenant (%(default)s)")
    parser.add_argument("--llm-latency", type=float, default=1.0, help="seconds that each LLM call takes (%(default)s)")
    parser.add_argument("--probes", type=int, default=5, help="quiet users beside each backlog (%(default)s)")
    parser.add_argument("--only", default="", help="parts whose figure contains this")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, Value]:
    """Run all parts, each with servers of its own, and return the figures."""
    figures: dict[str, Value] = {}
    used_before = processors.now()
    with Progress(is_shown=not arguments.json) as progress:
        for name, latency, part in _parts(arguments):
            if arguments.only in name:
                with _started(latency, progress, name) as running:
                    neighbours.warm_up(running)
                    figures |= part(running)
    used_after = processors.now()
    if used_before is not None and used_after is not None:
        figures["share_of_others"] = used_after.figures(used_before, 1)["share_of_others"]
    return _with_delay(figures)


def _parts(arguments: argparse.Namespace) -> list[tuple[str, float, Callable[[Running], dict[str, Value]]]]:
    """Return the figure of each part, the latency of its model, and the part."""
    turns, probes, latency = arguments.turns, arguments.probes, arguments.llm_latency
    return [
        ("applied_batches_per_s_one_user", 0.0, lambda it: neighbours.one_user(it, arguments.one_user_turns)),
        ("quiet_alone_s", latency, lambda it: neighbours.alone(it, probes)),
        ("quiet_beside_noisy_s", latency, lambda it: neighbours.beside_user(it, turns, probes)),
        ("quiet_beside_tenant_s", latency, lambda it: neighbours.beside_tenant(it, turns, arguments.users, probes)),
        ("quiet_beside_import_s", latency, lambda it: neighbours.beside_import(it, turns, probes)),
        ("quiet_beside_session_s", latency, lambda it: neighbours.beside_session(it, arguments.session_turns, probes)),
    ]


@contextmanager
def _started(latency: float, progress: Progress, name: str) -> Iterator[Running]:
    """Start the test LLM and the stack for one part."""
    progress.begin(name)
    with (
        LLMServerProcess("--latency", str(latency), "--keep", "1") as llm,
        servers.directory() as data_dir,
        Stack(
            servers.own_settings(llm_base_url=llm.base_url, llm_api_key="test"),
            data_dir=data_dir,
            commands=COMMANDS,
            names=WORKERS,
        ) as stack,
    ):
        assert stack.postgres is not None
        try:
            with ledger.opened(stack.postgres.url) as book:
                yield Running(settings=stack.settings, book=book, progress=progress)
        finally:
            connections.close_connections()


def _with_delay(figures: dict[str, Value]) -> dict[str, Value]:
    alone = figures.get("quiet_alone_s")
    beside = [value for name, value in figures.items() if name.startswith("quiet_beside") and isinstance(value, float)]
    if isinstance(alone, float) and beside:
        figures["quiet_delay_s"] = max(beside) - alone
    return {line.name: figures[line.name] for line in LINES if line.name in figures}


if __name__ == "__main__":
    main()
