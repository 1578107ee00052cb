"""What a write costs: `python -m bench.hot_path [--json] [--samples N]`.

Starts a redis-server of its own. Everything is measured against a bare RPUSH of the same payload through redis-py with
the same settings, interleaved with it in the same run: on a busy machine only such ratios mean anything.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any, cast

import redis
from celery import Celery

from afterturn import MemoryClient, turns
from afterturn.client import connections
from afterturn.client.session import ClientSession, write_arguments
from afterturn.settings import Settings
from bench import many_writers, report, timing
from bench.report import Line, Value
from harness import servers

DEFAULT_SAMPLES = 5_000
#: About 200 characters: what a person, or a short answer, says in one turn.
TURN = (
    "I moved to Porto last spring with my sister Ines, and since then I take the tram to work every morning; the "
    "office is near the river, and on Fridays we all have lunch at the small place by the bridge."
)
#: Where a bare RPUSH goes.
LIST_KEY = "bench:list"

SESSION_SAMPLES = 500
EARLY_TURNS = range(6, 16)
LATE_TURN = 10_000
PENDING_TURNS = 5_000

LINES = (
    Line(name="rpush_p50_us", meaning="a bare RPUSH of the same payload: the cheapest write there could be"),
    Line(name="write_p50_us", meaning="MemoryClient.write: checked, given an id, encoded, acknowledged by Redis"),
    Line(name="write_p99_us", meaning="the same, the slowest of a hundred"),
    Line(name="added_us", meaning="write less RPUSH, medians: what the agent waits for on account of afterturn"),
    Line(name="ratio_p50", meaning="write over RPUSH", aim=1.25),
    Line(name="script_ratio_p50", meaning="the script with ready arguments, sent like a write, over RPUSH", aim=1.15),
    Line(name="celery_delay_p50_us", meaning="delay() of an empty Celery task: what enqueuing in the turn would cost"),
    Line(name="ratio_turn_10000", meaning="a write around turn 10,000 of a session over one around turn 10", aim=1.1),
    Line(name="concurrent_writes_per_s", meaning="16 processes, each with a client, writing one turn after another"),
    Line(name="pipelined_writes_per_s", meaning="one process, asyncio: 100 AsyncMemoryClient.write in flight"),
    Line(name="write_many_turns_per_s", meaning="one process: MemoryClient.write_many, 100 turns per round trip"),
    Line(name="redis_bytes_per_pending_turn", meaning="memory that Redis takes for a turn until it is archived"),
    Line(name="turn_characters", meaning="length of the content that is written"),
    Line(name="payload_bytes", meaning="length of what RPUSH and the script are given of it"),
    Line(name="redis_version", meaning="the server that was measured"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.hot_path", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--samples", type=int, default=DEFAULT_SAMPLES, help="writes per median (%(default)s)")
    arguments = parser.parse_args()
    figures = measured(arguments.samples)
    if arguments.json:
        print(report.as_json(figures))
    else:
        report.show("The hot path: one turn is written", LINES, figures)


def measured(samples: int) -> dict[str, Value]:
    """Return all figures, each from a Redis that holds only what its own measurement has written."""
    figures: dict[str, Value] = {}
    with servers.hot_store() as settings:
        client = connections.get_connections(settings).redis
        for measure in (
            partial(_single_writes, samples=samples),
            partial(_celery, samples=samples),
            _long_session,
            _throughput,
            _memory,
        ):
            client.flushall()
            figures |= measure(settings)
        figures["redis_version"] = _info(client, "server")["redis_version"]
    return {line.name: figures[line.name] for line in LINES}


def _info(client: redis.Redis, section: str) -> dict[str, Any]:
    return cast(dict[str, Any], client.info(section))


def _single_writes(settings: Settings, samples: int) -> dict[str, Value]:
    client = connections.get_connections(settings).redis
    memory = MemoryClient("bench", "single", settings=settings)
    script, payload = _ready_script(settings)
    timings = timing.interleaved(
        {"rpush": _rpush(client, payload), "script": script, "write": _write(memory)},
        rounds=samples,
    )
    rpush, write = timings["rpush"], timings["write"]
    return {
        "rpush_p50_us": median(rpush),
        "write_p50_us": median(write),
        "write_p99_us": timing.percentile(write, 0.99),
        "added_us": median(write) - median(rpush),
        "ratio_p50": timing.ratio_of_medians(write, rpush),
        "script_ratio_p50": timing.ratio_of_medians(timings["script"], rpush),
        "turn_characters": len(TURN),
        "payload_bytes": len(payload),
    }


def _ready_script(settings: Settings) -> tuple[Callable[[], object], bytes]:
    """Return a call of the write script with arguments made beforehand, and the payload among them."""
    session = ClientSession(user_id="bench", session_id="script", agent_id=None, tenant_id=None, settings=settings)
    turn_id, payload = turns.make_payload("user", TURN, limit_bytes=settings.turn_limit_bytes)
    ready = write_arguments([(turn_id, payload)])
    send = connections.get_connections(settings).writes.call
    return lambda: session.write_call.run(send, ready), payload


def _rpush(client: redis.Redis, payload: bytes) -> Callable[[], object]:
    return lambda: client.rpush(LIST_KEY, payload)


def _celery(settings: Settings, samples: int) -> dict[str, Value]:
    app = Celery("bench", broker=settings.celery_broker_url, set_as_current=False)
    app.conf.task_ignore_result = True
    nothing = app.task(_nothing, name="bench.nothing")
    timings = timing.interleaved({"delay": nothing.delay}, rounds=samples, warmup_rounds=20)
    app.close()
    return {"celery_delay_p50_us": median(timings["delay"])}


def _nothing() -> None:
    """What the task does."""


def _long_session(settings: Settings) -> dict[str, Value]:
    """Compare the beginning of many sessions with turn 10,000 of one, nothing of which was archived meanwhile."""
    client = connections.get_connections(settings).redis
    _, payload = _ready_script(settings)
    rpush = _rpush(client, payload)
    long = _write(MemoryClient("bench", "long", settings=settings))
    for _ in range(LATE_TURN - SESSION_SAMPLES // 2):
        long()
    early: list[tuple[float, float]] = []
    late: list[tuple[float, float]] = []
    for number in range(SESSION_SAMPLES // len(EARLY_TURNS)):
        fresh = _write(MemoryClient("bench", f"fresh-{number}", settings=settings))
        for _ in range(1, EARLY_TURNS.start):
            fresh()
        for _ in EARLY_TURNS:
            early.append((timing.timed(fresh), timing.timed(rpush)))
            late.append((timing.timed(long), timing.timed(rpush)))
    (early_writes, early_pushes), (late_writes, late_pushes) = zip(*early, strict=True), zip(*late, strict=True)
    late_ratio = timing.ratio_of_medians(late_writes, late_pushes)
    return {"ratio_turn_10000": late_ratio / timing.ratio_of_medians(early_writes, early_pushes)}


def _write(memory: MemoryClient) -> Callable[[], object]:
    return lambda: memory.write("user", TURN)


def _throughput(settings: Settings) -> dict[str, Value]:
    return {
        "concurrent_writes_per_s": many_writers.processes(settings, TURN),
        "pipelined_writes_per_s": many_writers.tasks(settings, TURN),
        "write_many_turns_per_s": many_writers.bulk(settings, TURN),
    }


def _memory(settings: Settings) -> dict[str, Value]:
    client = connections.get_connections(settings).redis
    write = _write(MemoryClient("bench", "memory", settings=settings))
    write()  # what the session itself takes, once
    before = _info(client, "memory")["used_memory"]
    for _ in range(PENDING_TURNS):
        write()
    return {"redis_bytes_per_pending_turn": (_info(client, "memory")["used_memory"] - before) / PENDING_TURNS}


if __name__ == "__main__":
    main()
