"""Measure how much later the first token of a chat comes through afterturn: `python -m bench.chat [--json]`.

The endpoint answers at once. Each chat is sent to the endpoint and to the API in turn, so that both have the same load.
The API is a process of its own, with a Redis and a Postgres of its own. Each user has facts and turns, and each chat is
the first of a new session of a user. The memory is on: it is read before the call, and written after it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psycopg

from afterturn.client import connections
from afterturn.local.stack import Stack
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from bench import report, timing
from bench.report import Line
from harness import copying, servers, synthetic
from harness.raw_endpoint import RawEndpoint
from harness.synthetic import Vocabulary

WARMUP = 20
QUESTIONS_PER_USER = 10
_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
_ANSWER = b"".join(
    [
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
        *(b"%x\r\n%b\r\n" % (len(part), part) for part in (_EVENT, b"data: [DONE]\n\n")),
        b"0\r\n\r\n",
    ]
)

LINES = (
    Line(name="chat_overhead_p50_ms", meaning="the first token comes so much later, median", aim=15.0),
    Line(name="chat_overhead_p95_ms", meaning="the same, 95th percentile less the median of the endpoint"),
    Line(name="direct_p50_ms", meaning="the first token of the endpoint itself"),
    Line(name="with_memory", meaning="the share of chats that had their memory in time", aim=1.0, is_floor=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--facts-per-user", type=int, default=100, help="each with a turn")
    parser.add_argument("--chats", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    report.run("Chat: overhead", LINES, measured, parser.parse_args())


def measured(arguments: argparse.Namespace) -> dict[str, object]:
    """Run the bench and return its figures."""
    with servers.directory() as directory, RawEndpoint() as endpoint, _stack(directory, endpoint) as settings:
        endpoint.answer(_ANSWER)
        endpoint.keeps_open = True
        questions = _load(settings, arguments)
        with Stack(settings, data_dir=directory / "api", commands=COMMANDS, names=("api",)) as stack:
            return overhead(endpoint.base_url, f"{stack.address('api')}/v1", questions, arguments.chats)


def overhead(direct_url: str, api_url: str, questions: Sequence[tuple[str, str]], chats: int) -> dict[str, object]:
    """Send chats to an endpoint and through the API, and return the figures.

    Args:
        direct_url: the endpoint's base URL.
        api_url: that of the API.
        questions: users, each with a question.
        chats: how many.
    """
    direct: list[float] = []
    through: list[float] = []
    states: list[str] = []
    with httpx2.Client(base_url=direct_url) as endpoint, httpx2.Client(base_url=api_url) as api:
        for number in range(WARMUP + chats):
            user_id, question = questions[number % len(questions)]
            for client, milliseconds in ((endpoint, direct), (api, through)):
                seconds, state = _ask(client, user_id, f"session-{number}", question)
                if number >= WARMUP:
                    milliseconds.append(1_000 * seconds)
                    states += [state] if client is api else []
    median = timing.percentile(direct, 0.5)
    return {
        "chat_overhead_p50_ms": round(timing.percentile(through, 0.5) - median, 2),
        "chat_overhead_p95_ms": round(timing.percentile(through, 0.95) - median, 2),
        "direct_p50_ms": round(median, 2),
        "with_memory": round(states.count("on") / len(states), 3),
    }


def _ask(client: httpx2.Client, user_id: str, session_id: str, question: str) -> tuple[float, str]:
    """Return the seconds until the first token, and what the answer says of the memory."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": question}]}
    headers = {"X-Afterturn-User": user_id, "X-Afterturn-Session": session_id}
    began = time.perf_counter()
    with client.stream("POST", "/chat/completions", json=body, headers=headers) as answer:
        chunks = answer.iter_raw()
        next(chunks)
        seconds = time.perf_counter() - began
        for _ in chunks:
            pass
        return seconds, answer.headers.get("x-afterturn-memory", "")


@contextmanager
def _stack(directory: Path, endpoint: RawEndpoint) -> Iterator[Settings]:
    with servers.pair(directory) as (redis_server, postgres):
        settings = servers.own_settings(
            redis_url=redis_server.url,
            postgres_url=postgres.url,
            tenant=copying.TENANT,
            embedder="hashing",
            api_port=0,
            chat_upstream_url=endpoint.base_url,
        )
        prepare.prepare_database(postgres.url, settings)
        try:
            yield settings
        finally:
            connections.close_connections()


def _load(settings: Settings, arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Insert the users, and return a question to each."""
    url = settings.postgres_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT space_id, dimension FROM embedding_spaces WHERE state = 'serving'").fetchone()
        assert row is not None, "a migrated database serves a space"
    vocabulary = Vocabulary(row[1])
    users = [synthetic.make_memory(number, arguments.facts_per_user, vocabulary) for number in range(arguments.users)]
    with copying.loading(url) as connection:
        copying.put(connection, users, row[0], vocabulary)
        connection.execute("VACUUM ANALYZE")
    asked = [list(synthetic.questions(said, QUESTIONS_PER_USER, vocabulary)) for said in users]
    return [
        (synthetic.name_of(number), each[turn].text)
        for turn in range(QUESTIONS_PER_USER)
        for number, each in enumerate(asked)
    ]


if __name__ == "__main__":
    main()
