"""Measure how well recall finds the answers to questions: `python -m bench.recall --set locomo --data FILE [--json]`.

It writes labelled conversations through the client, processes them with the real pipeline (Redis, PostgreSQL and all
stages in this process), asks the public `recall` every question, and counts how many of the answering turns are
evidence of the first memories. No answer is judged. docs/explanation/recall.md has the figures.

`--before-and-after` asks everything twice: when all turns are archived and have their vectors, and when they have
become facts, episodes and summaries. Facts and summaries must not make it harder to find the turns. `--baselines` ranks
the same turns by vectors alone, by words alone and by their sum.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from afterturn import MemoryClient
from afterturn.client import connections
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from bench import asking, baselines, report, small_talk
from bench.asking import Scored
from bench.data import beam, halumem_questions, languages, locomo, longmemeval, questions
from bench.data.conversation import Conversation, NotTheData
from bench.data.questions import Labelled
from bench.progress import Progress
from harness import servers
from harness.llm_server import GoldFact, LLMServer, Replay
from harness.pipeline import Pipeline

SETS: dict[str, Callable[[Path], list[Labelled]]] = {
    "locomo": locomo.load_questions,
    "realmem": questions.realmem,
    "longmemeval": longmemeval.load,
    "beam": beam.load,
    "halumem": halumem_questions.load,
    "languages": languages.load,
}
INGESTION_SECONDS = 3_600.0
#: One turn of BEAM has 348,469 characters.
TURN_LIMIT_BYTES = 1 << 20
#: The stages of a turn until it has its vector.
UNTIL_EMBEDDED = ("archive", "extract", "embed")


def main() -> None:
    arguments = _arguments()
    try:
        figures = measured(arguments)
    except (NotTheData, KeyboardInterrupt) as error:
        raise SystemExit(str(error) or "stopped") from None
    if arguments.json:
        print(report.as_json(figures))
    else:
        _show(arguments, figures)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.recall", description=__doc__)
    parser.add_argument("--set", choices=SETS, default="locomo", help="the form of the data (%(default)s)")
    parser.add_argument("--data", type=Path, required=True, help="a file of the set, or a folder of them")
    parser.add_argument("--embedder", choices=("hashing", "fastembed", "openai"), default="hashing")
    parser.add_argument("--model-path", type=Path, help="folder of the fastembed model")
    parser.add_argument("--embedding-url", help="the OpenAI-compatible endpoint of --embedder openai")
    parser.add_argument("--embedding-model", help="the model of that endpoint")
    parser.add_argument(
        "--extraction",
        choices=("none", "offline", "replay"),
        default="offline",
        help="the source of facts: none, the offline rules, or the labels of the data (%(default)s)",
    )
    parser.add_argument("--limit", type=int, help="only the first users of the set")
    parser.add_argument(
        "--before-and-after", action="store_true", help="ask before and after turns become facts and summaries"
    )
    parser.add_argument(
        "--baselines", action="store_true", help="also rank the same turns by vectors alone, words alone and their sum"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


def measured(arguments: argparse.Namespace) -> dict[str, object]:
    """Ingest, ask and score, and stop everything that was started."""
    labelled = [with_evidence(one) for one in SETS[arguments.set](arguments.data)[: arguments.limit]]
    figures: dict[str, object] = {}
    with ExitStack() as running:
        progress = running.enter_context(Progress(is_shown=True))
        progress.begin("servers")
        settings = running.enter_context(_started(arguments, [one.conversation for one in labelled]))
        seconds = 0.0
        with Pipeline(settings) as pipeline:
            for work in (only_embed, settle) if arguments.before_and_after else (settle,):
                began = time.perf_counter()
                progress.begin("users ingested", total=len(labelled))
                for number, one in enumerate(labelled, start=1):
                    write(one.conversation, settings)
                    work(pipeline)
                    progress.reached(number)
                seconds += time.perf_counter() - began
                progress.begin("questions", total=sum(len(one.questions) for one in labelled))
                scored: list[Scored] = []
                for one in labelled:
                    for asked in one.questions:
                        answered = asking.ask(one.conversation.user_id, asked, settings)
                        scored.append(asking.score(answered))
                        progress.reached(len(scored))
                figures = asking.summed(scored) | ({"before": figures} if figures else {})
                if arguments.baselines:
                    figures["baselines"] = baselines.measure(labelled, settings)
                if arguments.set == "languages":
                    figures |= {"languages": asking.by_language(scored), "small_talk": small_talk.figures(labelled)}
    return figures | {"ingestion_s": round(seconds, 1), "turns": _turns(labelled)}


def with_evidence(labelled: Labelled) -> Labelled:
    """Return the conversation with those questions that a turn answers."""
    return replace(labelled, questions=tuple(asked for asked in labelled.questions if asked.evidence))


@contextmanager
def _started(arguments: argparse.Namespace, conversations: Sequence[Conversation]) -> Iterator[Settings]:
    with ExitStack() as running:
        redis_server, postgres = running.enter_context(servers.pair(running.enter_context(servers.directory())))
        llm: dict[str, object] = {}
        if arguments.extraction != "offline":
            replay = _replay(conversations) if arguments.extraction == "replay" else Replay()
            server = running.enter_context(LLMServer(answer=replay))
            llm = {"llm_base_url": server.base_url, "llm_api_key": "test", "judge": "rules"}
        settings = servers.own_settings(
            redis_url=redis_server.url,
            postgres_url=postgres.url,
            batch_idle_seconds=0,
            turn_limit_bytes=TURN_LIMIT_BYTES,
            embedder=arguments.embedder,
            embedding_model_path=arguments.model_path,
            embedding_base_url=arguments.embedding_url,
            embedding_model=arguments.embedding_model,
            embedding_api_key="test" if arguments.embedding_url else None,
            **llm,
        )
        prepare.prepare_database(postgres.url, settings)
        running.callback(connections.close_connections)
        yield settings


def _replay(conversations: Sequence[Conversation]) -> Replay:
    replay = Replay()
    for conversation in conversations:
        said = conversation.turns
        for number, gold in enumerate(conversation.gold):
            fact = GoldFact(text=gold.text, name=f"{conversation.user_id}/{number}")
            for turn_id in gold.turn_ids:
                replay.add(said[turn_id].content, [fact], at=said[turn_id].at)
    return replay


def write(conversation: Conversation, settings: Settings) -> None:
    """Write all sessions of a user. Existing turns stay unchanged."""
    for session in conversation.sessions:
        memory = MemoryClient(conversation.user_id, session.session_id, settings=settings)
        memory.write_many(
            {
                "role": turn.role,
                "content": turn.content,
                "name": turn.name,
                "turn_id": turn.turn_id,
                "occurred_at": turn.at,
            }
            for turn in session.turns
        )


def settle(pipeline: Pipeline) -> None:
    """Run the pipeline until there is no open work."""
    pipeline.settle(seconds=INGESTION_SECONDS)


def only_embed(pipeline: Pipeline) -> None:
    """Run the pipeline until every turn is archived and has its vector. Facts and summaries are made later."""
    later: list[tuple[str, tuple[Any, ...]]] = []
    quiet = 0
    while quiet < 2:
        pipeline.sweep()
        quiet += 1
        while pipeline.hints.waiting:
            stage, arguments = pipeline.hints.waiting.popleft()
            if stage in UNTIL_EMBEDDED:
                pipeline.do(stage, *arguments)
                quiet = 0
            else:
                later.append((stage, arguments))
    # The sweep does not send these hints again before the leases lapse.
    pipeline.hints.waiting.extend(later)


def _turns(labelled: Sequence[Labelled]) -> int:
    return sum(len(session.turns) for one in labelled for session in one.conversation.sessions)


def _show(arguments: argparse.Namespace, figures: dict[str, object]) -> None:
    table = Table(title=f"Recall on {arguments.set}, {arguments.embedder}, facts: {arguments.extraction}")
    rows = {"overall": figures["overall"]}
    categories = figures["categories"]
    assert isinstance(categories, dict)
    rows |= categories
    for name in ("category", "R@5", "R@10", "R@20", "nDCG@10", "questions"):
        table.add_column(name, justify="left" if name == "category" else "right")
    for name, row in rows.items():
        assert isinstance(row, dict)
        *shares, count = row.values()
        table.add_row(name, *(f"{100 * share:.1f}" for share in shares), str(count))
    Console().print(table)
    alone = figures.get("baselines")
    for name, means in alone.items() if isinstance(alone, dict) else ():
        Console().print(f"{name} alone: {means['overall']}" if name != "sum" else f"sum of both: {means['overall']}")
    before = figures.get("before")
    if isinstance(before, dict):
        Console().print(f"before: {before['overall']}")
    for name in ("tokens_per_answer", "latency_p50_ms", "latency_p95_ms", "ingestion_s", "turns"):
        Console().print(f"{name}: {figures[name]}")


if __name__ == "__main__":
    main()
