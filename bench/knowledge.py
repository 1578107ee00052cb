"""Compare the facts of labelled conversations with their labels.

`python -m bench.knowledge --set halumem --data FOLDER [--json]`

The conversations are written through the whole pipeline (a separate redis-server and PostgreSQL, the model over HTTP).
The model is a replay: it answers each extraction call with the gold facts of the shown turns, as text, date and quote,
without information on which fact replaces which. Then the facts are compared with the gold. There are three runs:

  judged      an oracle answers the judging calls from the gold pairs, but only for pairs that a call shows
  rules_only  no judging calls (AFTERTURN_JUDGE=rules)
  injected    as judged, but turns are written twice with one id, sessions are written out of order, every third fact
              is repeated in a later turn, and hints are delivered twice and in random order

With --offline there is no model: the offline extractor's facts are compared with the gold by the cosine of their
embeddings (--model-path), and with a baseline in which every sentence of the user is a fact.

The exit code is 1 if a bound of the table is not met. Settings come from the environment.

  python -m bench.knowledge --set halumem --data FOLDER
  python -m bench.knowledge --set locomo --data FILE --runs judged --misses wrong.jsonl
  python -m bench.knowledge --set halumem --data FOLDER --offline --model-path MODEL_FOLDER
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from afterturn.client import connections
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from bench import knowledge_offline, knowledge_plan, knowledge_run, ledger, report
from bench.data import halumem, locomo, realmem
from bench.data.conversation import Conversation, NotTheData
from bench.knowledge_run import Result, Script
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.llm_server import LLMServer

SETS = {"halumem": halumem.load, "locomo": locomo.load, "realmem": realmem.load}

BOUNDED = (
    Line(name="facts_lost", meaning="gold facts without a fact of this text", aim=0),
    Line(name="facts_doubled", meaning="gold facts that were current twice at the same time", aim=0),
    Line(name="evidence_wrong", meaning="facts with evidence that is not a quote of a turn of this fact", aim=0),
    Line(name="evidence_missing", meaning="gold facts with a turn that is not among the evidence", aim=0),
    Line(name="facts_unknown", meaning="facts whose text is not a gold fact", aim=0),
    Line(name="turns_lost", meaning="turns that are missing or doubled in Postgres", aim=0),
    Line(name="unfinished", meaning="batches that were not applied", aim=0),
    Line(name="stale_current", meaning="replaced values that are still current, of all updates", aim=0.01),
    Line(name="wrongly_superseded", meaning="facts that are not current but should be, of those that should", aim=0.01),
)
LINES = (
    *BOUNDED,
    Line(name="never_judged", meaning="stale values that no judging call has shown"),
    Line(name="judge_calls_per_100_turns", meaning="judging calls"),
    Line(name="pairs_per_call", meaning="pairs in one judging call: new with known, new with new"),
    Line(name="judge_tokens_per_100_turns", meaning="prompt tokens of the judging calls"),
    Line(name="llm_calls_per_100_turns", meaning="all calls: extraction, judging, summaries"),
    Line(name="prompt_tokens_per_100_turns", meaning="prompt tokens of all calls"),
    Line(name="rejected", meaning="rejected candidates"),
    Line(name="turns", meaning="written turns, each counted once"),
    Line(name="facts", meaning="gold facts; a repeated one is counted once"),
    Line(name="updates", meaning="pairs of an old and a new value"),
)
#: Without a judge, these figures have no aim.
_NEED_A_JUDGE = frozenset({"stale_current", "wrongly_superseded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One way to write the conversations."""

    name: str
    title: str
    is_judged: bool = True
    is_unruly: bool = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """Return the rows of its table; without a judge, some have no aim."""
        if self.is_judged:
            return LINES
        return tuple(
            Line(name=line.name, meaning=line.meaning) if line.name in _NEED_A_JUDGE else line for line in LINES
        )

    def broken(self, figures: dict[str, Value]) -> list[str]:
        """Return the names of the figures that do not meet their bound."""
        return [line.name for line in self.lines if line.verdict(figures[line.name]).endswith("NO")]


RUNS = (
    Run(name="judged", title="With an oracle as judge"),
    Run(name="rules_only", title="Rules alone", is_judged=False),
    Run(name="injected", title="Judged, with duplicates, reordering and repeats", is_unruly=True),
)


def main() -> None:
    arguments = _arguments()
    try:
        conversations = SETS[arguments.set](arguments.data)
        is_good = _offline(arguments, conversations) if arguments.offline else _replayed(arguments, conversations)
    except NotTheData as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
    raise SystemExit(0 if is_good else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.knowledge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", choices=SETS, required=True, help="the form of the data")
    parser.add_argument("--data", type=Path, required=True, help="a file of this form, or a folder of such files")
    names = [run.name for run in RUNS]
    parser.add_argument("--runs", nargs="+", choices=names, default=names, help="which runs (default: all three)")
    parser.add_argument("--misses", type=Path, metavar="FILE", help="write all faults to this file, as lines of JSON")
    parser.add_argument("--offline", action="store_true", help="measure the offline extractor instead")
    parser.add_argument("--model-path", type=Path, help="folder with the fastembed model that --offline compares by")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    arguments = parser.parse_args()
    if arguments.offline and arguments.model_path is None:
        parser.error("--offline needs --model-path")
    return arguments


def _replayed(arguments: argparse.Namespace, conversations: Sequence[Conversation]) -> bool:
    wanted = [run for run in RUNS if run.name in arguments.runs]
    results = measured(conversations, wanted)
    figures = {run.name: figures_of(results[run.name]) for run in wanted}
    if arguments.misses:
        _write_misses(arguments.misses, results)
    broken = {run.name: names for run in wanted if (names := run.broken(figures[run.name]))}
    if arguments.json:
        print(report.as_json(in_one(arguments.set, len(conversations), figures, broken)))
    else:
        for run in wanted:
            report.show(f"{arguments.set}, {len(conversations)} users. {run.title}", run.lines, figures[run.name])
    return not broken


def measured(conversations: Sequence[Conversation], runs: Sequence[Run]) -> dict[str, Result]:
    """Write all conversations once for each run, and return the results by the name of the run."""
    script = Script()
    with ExitStack() as running:
        progress = running.enter_context(Progress(is_shown=sys.stderr.isatty()))
        progress.begin("servers")
        llm = running.enter_context(LLMServer(answer=script, keep=1))
        redis_server, postgres = running.enter_context(servers.pair(running.enter_context(servers.directory())))
        running.callback(connections.close_connections)
        given = {
            "redis_url": redis_server.url,
            "postgres_url": postgres.url,
            "llm_base_url": llm.base_url,
            "llm_api_key": "test",
            # A session is written as a whole, so there is no wait for a full batch.
            "batch_idle_seconds": 0,
        }
        prepare.prepare_database(postgres.url, servers.own_settings(**given))
        book = running.enter_context(ledger.opened(postgres.url))
        results = {}
        for run in runs:
            judge = "llm" if run.is_judged else "rules"
            settings = servers.own_settings(**given, judge=judge)
            results[run.name] = _run(run, conversations, settings, script, book, progress)
        return results


def _run(
    run: Run,
    conversations: Sequence[Conversation],
    settings: Settings,
    script: Script,
    book: ledger.Ledger,
    progress: Progress,
) -> Result:
    progress.begin(run.name, sum(len(conversation.turns) for conversation in conversations))
    plan = knowledge_plan.unruly if run.is_unruly else knowledge_plan.plain
    total, done = Result(), 0

    def advanced(turns: int) -> None:
        nonlocal done
        done += turns
        progress.reached(done)

    for number, conversation in enumerate(conversations):
        tenant_id = f"{run.name}-{number}"
        total.add(
            knowledge_run.replayed(
                conversation, plan(conversation), settings, script, book, tenant_id=tenant_id, advanced=advanced
            )
        )
    return total


def figures_of(result: Result) -> dict[str, Value]:
    """Return the figures of one run."""
    score = result.score
    counts: dict[str, Value] = {line.name: score.count(line.name) for line in BOUNDED}
    hundreds = max(result.turns, 1) / 100
    figures = counts | {
        "turns_lost": result.turns_lost,
        "unfinished": result.unfinished.total(),
        "stale_current": score.count("stale_current") / max(score.updates, 1),
        "wrongly_superseded": score.count("wrongly_superseded") / max(score.kept, 1),
        "never_judged": sum(miss.why.startswith(knowledge_run.NEVER_JUDGED) for miss in score.misses),
        "judge_calls_per_100_turns": result.judge_calls / hundreds,
        "pairs_per_call": result.judged_pairs / max(result.judge_calls, 1),
        "judge_tokens_per_100_turns": result.prompt_tokens["judge"] / hundreds,
        "llm_calls_per_100_turns": result.calls.total() / hundreds,
        "prompt_tokens_per_100_turns": result.prompt_tokens.total() / hundreds,
        "rejected": result.rejected.total(),
        "turns": result.turns,
        "facts": score.facts,
        "updates": score.updates,
    }
    return {line.name: figures[line.name] for line in LINES}


def in_one(
    data_set: str, users: int, figures: dict[str, dict[str, Value]], broken: dict[str, list[str]]
) -> dict[str, object]:
    """Return one object: the figures of the judged run, and those of the other runs under their names."""
    others = {name: of_run for name, of_run in figures.items() if name != "judged"}
    return {"set": data_set, "users": users, **figures.get("judged", {}), **others, "broken": broken}


def _write_misses(path: Path, results: dict[str, Result]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for name, result in results.items():
            for miss in result.score.misses:
                file.write(json.dumps({"run": name, **asdict(miss)}, ensure_ascii=False) + "\n")
            for counted in ("rejected", "unfinished"):
                for reason, count in getattr(result, counted).items():
                    file.write(json.dumps({"run": name, "figure": counted, "why": reason, "count": count}) + "\n")


def _offline(arguments: argparse.Namespace, conversations: Sequence[Conversation]) -> bool:
    with Progress(is_shown=sys.stderr.isatty()) as progress:
        figures = knowledge_offline.measured(conversations, arguments.model_path, progress)
    if arguments.json:
        print(report.as_json({"set": arguments.set, "users": len(conversations), **figures}))
    else:
        title = f"{arguments.set}, {len(conversations)} users. The offline extractor"
        report.show(title, knowledge_offline.LINES, figures)
    return knowledge_offline.is_better(figures)


if __name__ == "__main__":
    main()
