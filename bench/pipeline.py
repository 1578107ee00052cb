"""What the whole pipeline does in a second: `python -m bench.pipeline [--turns N] [--users N] [--llm-latency S] [--json]`.

Starts redis-server, PostgreSQL (durable, as `afterturn up` does), a test LLM in a process of its own, two workers and
beat. First all turns are written as fast as one process can, every session is flushed, and the time until the last
fact is searchable is taken. Then turns come at a steady rate, nobody flushes, and each turn's way to its fact is timed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient, connections
from bench import freshness, ledger, report, servers, workload
from bench.freshness import Watch
from bench.ledger import Ledger
from bench.progress import Progress
from bench.report import Line, Value
from bench.workload import Message
from tests.llm_server import LLMServerProcess

WORKERS = ("fast worker", "slow worker", "beat")
#: Longer than anything that works takes; what is not there by then is counted as lost.
DEADLINE_SECONDS = 600.0
LOOK_SECONDS = 0.05

LINES = (
    Line(name="turns_per_s", meaning="turns over the time from the first write to the last fact", aim=500, is_floor=True),
    Line(name="freshness_p50_s", meaning="at the steady rate: from a turn's write to its fact, median"),
    Line(name="freshness_p95_s", meaning="the same, the slowest of twenty"),
    Line(name="freshness_of_full_batches_p95_s", meaning="the same, of turns whose batch filled up"),
    Line(name="waited_for_idle_or_age", meaning="share of turns whose batch was cut by idle time or age"),
    Line(name="llm_calls_per_100_turns", meaning="extractions and summaries, over the whole run"),
    Line(name="prompt_tokens_per_100_turns", meaning="what they were given to read"),
    Line(name="lost", meaning="turns written that are not in Postgres", aim=0),
    Line(name="doubled", meaning="turns that are there more than once", aim=0),
    Line(name="facts_lost", meaning="turns without their fact", aim=0),
    Line(name="facts_doubled", meaning="facts that are there, or were seen, more than once", aim=0),
    Line(name="facts_without_vector", meaning="facts that vector search cannot find", aim=0),
    Line(name="not_recalled", meaning="of 20 turns, those that recall does not find by their words", aim=0),
    Line(name="writes_per_s", meaning="how fast the turns were written, by one process"),
    Line(name="archived_s", meaning="from the first write until all turns were in Postgres"),
    Line(name="searchable_s", meaning="from the first write until the last fact was searchable"),
    Line(name="summarized_s", meaning="from the first write until the last summary was made"),
    Line(name="extract_p50_s", meaning="what a batch waited for and spent in extract, whole run"),
    Line(name="embed_p50_s", meaning="in embed"),
    Line(name="consolidate_p50_s", meaning="in consolidate, its user's earlier batches included"),
)


def main() -> None:
    arguments = _arguments()
    try:
        figures = measured(arguments)
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
    if arguments.json:
        print(report.as_json(figures))
    else:
        report.show("The pipeline: turns become facts", LINES, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--turns", type=int, default=5_000, help="turns of the first part (%(default)s)")
    parser.add_argument("--users", type=int, default=50, help="each with one session per part (%(default)s)")
    parser.add_argument("--llm-latency", type=float, default=0.0, help="seconds that each LLM call takes (%(default)s)")
    parser.add_argument("--steady-seconds", type=float, default=40.0, help="length of the second part; 0 leaves it out")
    parser.add_argument("--steady-rate", type=float, default=50.0, help="its turns per second (%(default)s)")
    parser.add_argument("--data", type=Path, help="a file in the form of LoCoMo, whose texts are said")
    parser.add_argument("--batch-turns", type=int)
    parser.add_argument("--batch-tokens", type=int)
    parser.add_argument("--batch-idle-seconds", type=float)
    parser.add_argument("--batch-max-age-seconds", type=float)
    parser.add_argument("--keep", type=Path, help="keep the servers' data and logs in this directory")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, Value]:
    """Start everything, run both parts and return the figures. Stops everything, whatever happens."""
    with ExitStack() as running:
        progress = running.enter_context(Progress(is_shown=not arguments.json))
        progress.begin("starting")
        llm = running.enter_context(LLMServerProcess("--latency", str(arguments.llm_latency), "--keep", "1"))
        data_dir = arguments.keep or running.enter_context(servers.directory())
        settings = _settings(arguments, llm.base_url)
        stack = running.enter_context(Stack(settings, data_dir=data_dir, names=WORKERS))
        running.callback(connections.close_connections)
        book = running.enter_context(ledger.opened(stack.settings.postgres_url.get_secret_value()))
        said = workload.messages(users=arguments.users, data=arguments.data)
        figures = _burst(said, arguments, stack.settings, book, progress)
        steady_turns = int(arguments.steady_seconds * arguments.steady_rate)
        if steady_turns:
            figures |= _steady(said, arguments, steady_turns, stack.settings, book, progress)
        _wait_for_summaries(book, progress)
        written = arguments.turns + steady_turns
        figures |= book.losses(written) | book.cost(written) | book.stage_seconds()
        order = [line.name for line in LINES if line.name in figures]
        return {name: figures[name] for name in [*order, *(figures.keys() - set(order))]}


def _settings(arguments: argparse.Namespace, llm_base_url: str) -> Settings:
    return servers.own_settings(
        llm_base_url=llm_base_url,
        llm_api_key="test",
        batch_turns=arguments.batch_turns,
        batch_tokens=arguments.batch_tokens,
        batch_idle_seconds=arguments.batch_idle_seconds,
        batch_max_age_seconds=arguments.batch_max_age_seconds,
    )


def _burst(
    said: Iterator[Message], arguments: argparse.Namespace, settings: Settings, book: Ledger, progress: Progress
) -> dict[str, Value]:
    """Write all turns at once, flush, and wait for the facts."""
    memories = {f"user-{number}": MemoryClient(f"user-{number}", settings=settings) for number in range(arguments.users)}
    messages = [next(said) for _ in range(arguments.turns)]
    progress.begin("turns written", arguments.turns)
    started = time.perf_counter()
    for message in messages:
        memories[message.user_id].write(message.role, message.content)
    written_seconds = time.perf_counter() - started
    for memory in memories.values():
        memory.flush()
    progress.begin("facts searchable", arguments.turns)
    archived_seconds: float | None = None
    while True:
        state = book.state()
        seconds = time.perf_counter() - started
        progress.reached(state["facts"])
        if archived_seconds is None and state["turns"] >= arguments.turns:
            archived_seconds = seconds
        if state["facts"] >= arguments.turns or seconds > DEADLINE_SECONDS:
            break
        time.sleep(LOOK_SECONDS)
    figures: dict[str, Value] = {
        "turns_per_s": state["facts"] / seconds,
        "writes_per_s": arguments.turns / written_seconds,
        "archived_s": archived_seconds,
        "searchable_s": seconds,
        "not_recalled": _not_recalled(memories, messages),
    }
    _wait_for_summaries(book, progress)
    return figures | {"summarized_s": time.perf_counter() - started}


def _not_recalled(memories: dict[str, MemoryClient], messages: list[Message]) -> int:
    """Return how many of 20 turns, spread over all, recall does not find as a fact with the turn as its evidence."""
    asked = messages[:: max(1, len(messages) // 20)][:20]
    return sum(
        not any(
            memory.kind == "fact" and message.content in [said.quote for said in memory.evidence]
            for memory in memories[message.user_id].recall(message.content, limit=5)
        )
        for message in asked
    )


def _steady(
    said: Iterator[Message],
    arguments: argparse.Namespace,
    turns: int,
    settings: Settings,
    book: Ledger,
    progress: Progress,
) -> dict[str, Value]:
    """Write at a steady rate and time each turn's way to its fact."""
    progress.begin("turns that became facts", turns)
    watch = Watch(book)
    writer = freshness.write_steadily(said, settings, per_second=arguments.steady_rate, turns=turns)
    longest = arguments.steady_seconds + settings.batch_max_age_seconds + DEADLINE_SECONDS
    watch.look_until(turns, deadline_seconds=longest, tell=progress.reached)
    writer.join()
    return watch.figures()


def _wait_for_summaries(book: Ledger, progress: Progress) -> None:
    progress.begin("summaries")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while book.state()["owed_summaries"] and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
