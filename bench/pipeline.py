"""Measure the whole pipeline: `python -m bench.pipeline [--turns N] [--users N] [--llm-latency S] [--json]`.

It starts redis-server, PostgreSQL (durable, as `afterturn up` does), a test LLM in a separate process, two workers and
beat. In the first part, one process writes all turns as fast as it can and flushes every session; the time until the
last fact is searchable is measured. In the second part, each user says thoughts of some twenty turns, pauses, and
flushes nothing; the time from the last turn of a thought until all its facts are searchable is measured.

Other settings come from the environment: AFTERTURN_SLOW_CONCURRENCY=16 python -m bench.pipeline
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from afterturn.client import connections
from afterturn.local.services import ServiceName
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from bench import burst, freshness, ledger, report, workload
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.llm_server import LLMServerProcess

WORKERS: tuple[ServiceName, ...] = ("fast worker", "slow worker", "beat")

LINES = (
    Line(name="turns_per_s", meaning="turns from the first write to the last fact, per second", aim=500, is_floor=True),
    Line(name="cpu_ms_per_turn", meaning="processor time of all our processes in it, servers included, per turn"),
    Line(name="cpu_ms_per_turn_slow", meaning="of it: the slow workers (LLM, embedder, verification)"),
    Line(name="cpu_ms_per_turn_fast", meaning="of it: the fast worker (archive, consolidate)"),
    Line(name="cpu_ms_per_turn_postgres", meaning="of it: PostgreSQL"),
    Line(name="cpu_ms_per_turn_redis", meaning="of it: Redis"),
    Line(name="cpu_ms_per_turn_beat", meaning="of it: beat"),
    Line(name="cpu_ms_per_turn_llm", meaning="of it: the test LLM"),
    Line(name="cpu_ms_per_turn_bench", meaning="of it: the bench itself, with its writes"),
    Line(
        name="share_of_others",
        meaning="share of the machine's work in it by other processes; if it is high, times are not reliable",
    ),
    Line(name="freshness_p50_s", meaning="from the last turn of a thought until all its facts are searchable, median"),
    Line(name="freshness_p95_s", meaning="the same, 95th percentile", aim=10),
    Line(name="turn_to_fact_p50_s", meaning="from the write of any turn, also in mid-thought, to its facts, median"),
    Line(name="turn_to_fact_p95_s", meaning="the same, 95th percentile"),
    Line(name="after_cut_p50_s", meaning="the last part of it, from the cut of its batch, median"),
    Line(name="after_cut_p95_s", meaning="the same, 95th percentile"),
    Line(name="share_cut_by_idle", meaning="share of turns whose batch was cut by idle time"),
    Line(name="share_cut_by_age", meaning="share of turns whose batch was cut by age; the rest: by size"),
    Line(name="thoughts", meaning="thoughts of the second part"),
    Line(name="batches_per_100_steady_turns", meaning="batches cut in the second part, per 100 of its turns"),
    Line(name="llm_calls_per_100_turns", meaning="extractions, judgements and summaries, over the whole run"),
    Line(name="prompt_tokens_per_100_turns", meaning="prompt tokens of these calls"),
    Line(name="completion_tokens_per_100_turns", meaning="completion tokens of these calls"),
    Line(name="prompt_tokens_per_token_said", meaning="prompt tokens of these calls, over the tokens of the turns"),
    Line(name="lost", meaning="written turns that are not in Postgres", aim=0),
    Line(name="doubled", meaning="turns that are in Postgres more than once", aim=0),
    Line(name="facts_lost", meaning="turns without their fact", aim=0),
    Line(name="facts_doubled", meaning="facts that exist, or were counted, more than once", aim=0),
    Line(name="facts_without_vector", meaning="facts that vector search cannot find", aim=0),
    Line(name="not_recalled", meaning="of 20 turns, those that recall does not find by their words", aim=0),
    Line(name="writes_per_s", meaning="written turns per second, by one process"),
    Line(name="archived_s", meaning="from the first write until all turns were in Postgres"),
    Line(name="searchable_s", meaning="from the first write until the last fact was searchable"),
    Line(name="summarized_s", meaning="from the first write until the last summary was made"),
    Line(name="extract_p50_s", meaning="time of a batch in extract, including its wait, whole run"),
    Line(name="embed_p50_s", meaning="the same in embed"),
    Line(name="consolidate_p50_s", meaning="the same in consolidate, including the user's earlier batches"),
    Line(name="extract_calls", meaning="LLM calls, whole run"),
    Line(name="judge_calls", meaning="LLM calls, whole run"),
    Line(name="summarize_calls", meaning="LLM calls, whole run"),
)


def main() -> None:
    report.run("The pipeline: turns become facts", LINES, measured, _arguments())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--turns", type=int, default=5_000, help="turns of the first part (%(default)s)")
    parser.add_argument("--users", type=int, default=50, help="each with one session per part (%(default)s)")
    parser.add_argument("--llm-latency", type=float, default=0.0, help="seconds that each LLM call takes (%(default)s)")
    parser.add_argument(
        "--steady-seconds", type=float, default=80.0, help="thoughts of the second part begin in it; 0: none"
    )
    parser.add_argument("--gap-seconds", type=float, default=1.0, help="median gap within a thought (%(default)s)")
    parser.add_argument("--data", type=Path, help="a LoCoMo file, or a folder of BEAM, whose texts are said")
    parser.add_argument("--batch-turns", type=int)
    parser.add_argument("--batch-tokens", type=int)
    parser.add_argument("--batch-idle-seconds", type=float)
    parser.add_argument("--batch-max-age-seconds", type=float)
    parser.add_argument("--keep", type=Path, help="keep the servers' data and logs in this directory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, Value]:
    """Start everything, run both parts, stop everything, and return the figures."""
    pace = workload.Pace(gap_seconds=arguments.gap_seconds)
    planned = workload.planned_thoughts(users=arguments.users, pace=pace, seconds=arguments.steady_seconds)
    with ExitStack() as running:
        progress = running.enter_context(Progress(is_shown=not arguments.json))
        progress.begin("servers and workers")
        stack = _started(arguments, running)
        assert stack.postgres is not None
        settings, book = stack.settings, running.enter_context(ledger.opened(stack.postgres.url))
        said = workload.messages(users=arguments.users, data=arguments.data)
        figures = burst.measured(said, arguments.turns, settings, book, progress)
        if planned:
            figures |= freshness.measured(said, planned, settings, book, progress)
            burst.wait_for_summaries(book, progress)
        written = arguments.turns + len(planned)
        figures |= book.losses(written) | book.cost(written) | book.stage_seconds()
        return {line.name: figures[line.name] for line in LINES if line.name in figures}


def _started(arguments: argparse.Namespace, running: ExitStack) -> Stack:
    """Start the test LLM and the stack, with a Redis and a Postgres of its own."""
    llm = running.enter_context(LLMServerProcess("--latency", str(arguments.llm_latency), "--keep", "1"))
    settings = servers.own_settings(
        llm_base_url=llm.base_url,
        llm_api_key="test",
        batch_turns=arguments.batch_turns,
        batch_tokens=arguments.batch_tokens,
        batch_idle_seconds=arguments.batch_idle_seconds,
        batch_max_age_seconds=arguments.batch_max_age_seconds,
    )
    data_dir = arguments.keep or running.enter_context(servers.directory())
    stack = running.enter_context(Stack(settings, data_dir=data_dir, commands=COMMANDS, names=WORKERS))
    running.callback(connections.close_connections)
    return stack


if __name__ == "__main__":
    main()
