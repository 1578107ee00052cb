"""Measure the latency of recall, and compare its results with exact ones: `python -m bench.recall_latency [--json]`.

Synthetic memories are inserted into the tables with COPY: many ordinary users, and one with a very large memory, which
is then indexed as a worker does. The public client gets questions about single facts. Their vectors are given, so that
the embedding is not measured. The exact results are computed without Postgres, over all documents.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import psycopg

from afterturn import MemoryClient
from afterturn.client import connections
from afterturn.memories import Memory
from afterturn.pipeline import prepare
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import index
from afterturn.recall.document_keys import Key, TurnKey
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from bench import report, timing
from bench.progress import Progress
from bench.report import Line
from harness import copying, fact_filters, servers, synthetic
from harness.brute_force import BruteForce, Stemmer
from harness.known_vectors import KnownVectors
from harness.synthetic import SearchQuestion, SyntheticMemory, Vocabulary

LIMIT = 10
#: The largest number of users with questions. Their texts are generated again for the exact results.
USERS_ASKED = 200
QUESTIONS_PER_USER = 2
CLIENTS = 16
#: The kinds of filters, used in rotation.
FILTERS = ("topic", "since", "session", "agent")
WARMUP = 5
#: Two results whose exact scores differ by less are equal: half precision decides which of them is the tenth.
SAME_SCORE = 1e-3
#: A long timeout for the exact path, which rare filters of a large memory use.
POSTGRES_SECONDS = 60.0

LINES = tuple(
    Line(name=f"{who}_{name}", meaning=f"{whose}: {meaning}", aim=aims.get(f"{who}_{name}"), is_floor=is_floor)
    for aims in (
        {
            "ordinary_p95_ms": 15.0,
            "big_p95_ms": 60.0,
            "ordinary_recall_vs_exact": 1.0,
            "big_recall_vs_exact": 0.98,
            "ordinary_filtered_short": 0.0,
            "big_filtered_short": 0.0,
        },
    )
    for who, whose in (("ordinary", "an ordinary user"), ("big", "the big user"))
    for name, meaning, is_floor in (
        ("p50_ms", "one client, no filter", False),
        ("p95_ms", "one client, no filter", False),
        ("recall_vs_exact", "the share of the ten exact results that is found", True),
        ("filtered_p50_ms", "one client, a filter each time", False),
        ("filtered_p95_ms", "one client, a filter each time", False),
        ("filtered_short", "filtered results with fewer rows than exist", False),
        ("concurrent_p50_ms", f"{CLIENTS} clients at once, no filter", False),
        ("concurrent_p95_ms", f"{CLIENTS} clients at once, no filter", False),
        ("concurrent_filtered_p50_ms", f"{CLIENTS} clients at once, a filter each time", False),
        ("concurrent_filtered_p95_ms", f"{CLIENTS} clients at once, a filter each time", False),
    )
)


@dataclass(frozen=True, slots=True)
class FilteredQuestion:
    """One question with its filters."""

    said: SyntheticMemory
    question: SearchQuestion
    filters: Mapping[str, Any]
    #: The number of memories that pass the filters.
    owned: int


def main() -> None:
    report.run("Recall: latency", LINES, measured, _arguments())


def measured(arguments: argparse.Namespace) -> dict[str, object]:
    """Run the bench and return its figures."""
    with Progress(is_shown=not arguments.json) as progress, _stack(arguments.dimension) as settings:
        url = settings.postgres_url.get_secret_value()
        vocabulary = Vocabulary(arguments.dimension)
        with psycopg.connect(url, autocommit=True) as connection:
            space_id = _space(connection)
            began = time.monotonic()
            _load(url, arguments, space_id, vocabulary, progress)
            figures: dict[str, object] = {
                "users": arguments.users,
                "facts_per_user": arguments.facts_per_user,
                "big_user_facts": arguments.big_user,
                "dimension": arguments.dimension,
                "load_s": round(time.monotonic() - began, 1),
            }
            progress.begin("indexing the big user")
            figures["index_s"] = _indexed(settings)
            connection.execute("VACUUM ANALYZE")
            figures["bytes"] = _sizes(connection)
            stemmer = Stemmer(connection, vocabulary)
        embedder = KnownVectors(settings, space_id)
        connections.get_connections(settings).question_embedder = embedder
        few = range(1, min(arguments.users, USERS_ASKED) + 1)
        ordinary = [synthetic.make_memory(number, arguments.facts_per_user, vocabulary) for number in few]
        big = [synthetic.make_memory(0, arguments.big_user, vocabulary)]
        for name, users, each in (("ordinary", ordinary, QUESTIONS_PER_USER), ("big", big, arguments.big_questions)):
            asked = [
                FilteredQuestion(said, one, {}, 0)
                for said in users
                for one in synthetic.questions(said, each, vocabulary)
            ]
            embedder.known = {one.question.text: one.question.vector for one in asked}
            figures[name] = _measured_of(name, asked, settings, stemmer, progress)
    return figures


@contextmanager
def _stack(dimension: int) -> Iterator[Settings]:
    with servers.directory() as directory, servers.pair(directory) as (redis_server, postgres):
        settings = servers.own_settings(
            redis_url=redis_server.url,
            postgres_url=postgres.url,
            embedder="hashing",
            embedding_dimension=dimension,
            postgres_timeout_seconds=POSTGRES_SECONDS,
        )
        prepare.prepare_database(postgres.url, settings)
        try:
            yield settings
        finally:
            connections.close_connections()


def _space(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT space_id FROM embedding_spaces WHERE state = 'serving'").fetchone()
    assert row is not None, "a migrated database serves a space"
    return int(row[0])


def _load(url: str, arguments: argparse.Namespace, space_id: int, vocabulary: Vocabulary, progress: Progress) -> None:
    """Insert all users into the tables, some thousands of facts at a time."""
    at_once = max(1, copying.FACTS_AT_ONCE // arguments.facts_per_user)
    progress.begin("loading users", arguments.users)
    with copying.loading(url) as connection:
        for first in range(1, arguments.users + 1, at_once):
            numbers = range(first, min(first + at_once, arguments.users + 1))
            users = [synthetic.make_memory(number, arguments.facts_per_user, vocabulary) for number in numbers]
            copying.put(connection, users, space_id, vocabulary)
            progress.reached(numbers[-1])
        progress.begin("loading the big user")
        copying.put(connection, [synthetic.make_memory(0, arguments.big_user, vocabulary)], space_id, vocabulary)
        connection.execute("VACUUM ANALYZE")


def _indexed(settings: Settings) -> float:
    runtime = Runtime(settings)
    began = time.monotonic()
    try:
        index.index(runtime, UserScope(copying.TENANT, synthetic.name_of(0)))
    finally:
        runtime.close()
    return round(time.monotonic() - began, 1)


def _sizes(connection: psycopg.Connection) -> dict[str, int]:
    rows = connection.execute(
        "SELECT c.relname, pg_table_size(c.oid), pg_indexes_size(c.oid) FROM pg_class AS c"
        " WHERE c.relkind = 'r' AND c.relname IN ('turns', 'facts', 'evidence', 'vectors', 'memory_indexes',"
        " 'index_postings', 'index_cells')"
    ).fetchall()
    sizes = {f"{name}_table": int(table) for name, table, _ in rows}
    return sizes | {f"{name}_indexes": int(indexes) for name, _, indexes in rows}


def _measured_of(
    name: str, asked: Sequence[FilteredQuestion], settings: Settings, stemmer: Stemmer, progress: Progress
) -> dict[str, float]:
    progress.begin(f"{name}: exact answers", len(asked))
    figures: dict[str, float] = {}
    filtered = [_filtered(one, place) for place, one in enumerate(asked)]
    exact = _exact(asked, stemmer, progress)
    for prefix, questions in (("", asked), ("filtered_", filtered)):
        progress.begin(f"{name}: {prefix or 'no filter '}one client", len(questions))
        milliseconds, answers = _ask(questions, settings, progress.reached)
        figures |= _percentiles(prefix, milliseconds)
        if prefix:
            figures["filtered_short"] = sum(
                len(found) < min(LIMIT, one.owned) for one, found in zip(questions, answers, strict=True)
            )
        else:
            shares = [_share(found, best) for found, best in zip(answers, exact, strict=True)]
            figures["recall_vs_exact"] = round(fmean(shares), 4)
        progress.begin(f"{name}: {prefix or 'no filter '}{CLIENTS} clients")
        figures |= _percentiles(f"concurrent_{prefix}", _ask_at_once(questions, settings))
    return figures


def _filtered(asked: FilteredQuestion, place: int) -> FilteredQuestion:
    """Return the question with a filter by topic, time, session or agent, in rotation."""
    facts = range(len(asked.said.facts))
    chosen = fact_filters.around(asked.said, place * 31 % len(facts), FILTERS[place % len(FILTERS)])
    owned = sum(1 for _ in itertools.islice(filter(chosen.passes, facts), LIMIT))
    return replace(asked, filters={**chosen.arguments, "kinds": ["fact"]}, owned=owned)


def _exact(asked: Sequence[FilteredQuestion], stemmer: Stemmer, progress: Progress) -> list[list[tuple[Key, float]]]:
    exact, brute_force = [], None
    for place, one in enumerate(asked):
        if brute_force is None or brute_force.said is not one.said:
            brute_force = BruteForce(one.said, stemmer)
        exact.append(brute_force.best(one.question, 2 * LIMIT))
        progress.reached(place + 1)
    return exact


def _ask(
    asked: Sequence[FilteredQuestion], settings: Settings, reached: Callable[[int], None]
) -> tuple[list[float], list[list[Memory]]]:
    """Ask the questions one after another, and return the milliseconds and the results."""
    for one in asked[:WARMUP]:
        _recall(one, settings)
    milliseconds, answers = [], []
    for place, one in enumerate(asked):
        began = time.perf_counter()
        answers.append(_recall(one, settings))
        milliseconds.append(1_000 * (time.perf_counter() - began))
        reached(place + 1)
    return milliseconds, answers


def _ask_at_once(asked: Sequence[FilteredQuestion], settings: Settings) -> list[float]:
    """Ask the questions from CLIENTS threads, and return the milliseconds."""
    milliseconds: list[float] = []

    def work(number: int) -> None:
        milliseconds.extend(_ask(asked[number::CLIENTS], settings, lambda _: None)[0])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return milliseconds


def _recall(asked: FilteredQuestion, settings: Settings) -> list[Memory]:
    memory = MemoryClient(asked.said.user_id, "asking", settings=settings)
    return memory.recall(asked.question.text, LIMIT, **asked.filters)


def _share(found: Sequence[Memory], best: Sequence[tuple[Key, float]]) -> float:
    """Return the share of the best results that was found. A result with the score of the last one counts too."""
    wanted = min(LIMIT, len(best))
    least = best[wanted - 1][1] - SAME_SCORE
    good = {_name(key) for key, score in best if score >= least}
    named = {memory.memory_id if memory.kind == "fact" else _turn_name(memory) for memory in found}
    return min(wanted, len(named & good)) / wanted


def _name(key: Key) -> str:
    return f"{key.session_id}/{key.position}" if isinstance(key, TurnKey) else str(key)


def _turn_name(memory: Memory) -> str:
    return f"{memory.session_id}/{memory.evidence[0].position}"


def _percentiles(prefix: str, milliseconds: Sequence[float]) -> dict[str, float]:
    return {
        f"{prefix}p50_ms": round(timing.percentile(milliseconds, 0.5), 2),
        f"{prefix}p95_ms": round(timing.percentile(milliseconds, 0.95), 2),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=10_000, help="number of ordinary users")
    parser.add_argument("--facts-per-user", type=int, default=100, help="facts of each of them, and as many turns")
    parser.add_argument("--big-user", type=int, default=100_000, help="facts of the big user, and as many turns")
    parser.add_argument("--big-questions", type=int, default=100, help="number of questions to the big user's memory")
    parser.add_argument("--dimension", type=int, default=384, help="dimension of the vectors")
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser.parse_args()


if __name__ == "__main__":
    main()
