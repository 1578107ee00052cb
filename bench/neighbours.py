"""The parts of bench.fairness: backlogs of others, and quiet users beside them."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import LiteralString, Self

import redis

from afterturn.database import pool
from afterturn.importing.lines import ImportLine
from afterturn.importing.writing import Importer
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from afterturn.turns import Turn
from api_shim import MemoryClient
from bench import processors, workload
from bench.ledger import Ledger
from bench.progress import Progress
from bench.report import Value

NOISY_TENANT = "noisy-tenant"
QUIET_TENANT = "quiet-tenant"
#: How often Postgres is asked for the fact; a result is late by half of it on average.
LOOK_SECONDS = 0.02
#: How often Postgres is asked how far a backlog is. The rate is of the times in its rows, so it need not be often.
BACKLOG_LOOK_SECONDS = 0.5
#: The longest wait for a fact.
DEADLINE_SECONDS = 600.0
#: Between two probes, so that they meet the backlog in different states.
PAUSE_SECONDS = 1.0
#: Turns in one write.
WRITTEN_TOGETHER = 500

_HAS_FACT: LiteralString = """
SELECT EXISTS (SELECT FROM facts WHERE tenant_id = %(tenant_id)s AND user_id = %(user_id)s) AS found
"""
_TURNS: LiteralString = "SELECT count(*) AS turns FROM turns WHERE tenant_id = %(tenant_id)s"
_BATCHES: LiteralString = """
SELECT count(*) AS batches, count(*) FILTER (WHERE state = 'applied') AS applied,
       count(*) FILTER (WHERE state <> 'pending') AS extracted,
       extract(epoch FROM max(applied_at) - min(created_at))::float8 AS seconds
FROM batches WHERE tenant_id = %(tenant_id)s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The servers and clients of a part."""

    settings: Settings
    book: Ledger
    progress: Progress


def warm_up(running: Running) -> None:
    """Write a turn before the measurement: a worker's first task opens its connections."""
    _seconds_to_fact(running, "first")


def one_user(running: Running, turns: int) -> dict[str, Value]:
    """Write one user's turns, flush, wait until all batches are applied, and return how many are per second."""
    used_before = processors.now()
    _write(running.settings, "noisy", turns)
    deadline = time.monotonic() + DEADLINE_SECONDS
    is_archived = False
    while time.monotonic() < deadline:
        is_archived = is_archived or running.book.rows(_TURNS, tenant_id=NOISY_TENANT)[0]["turns"] >= turns
        row = running.book.rows(_BATCHES, tenant_id=NOISY_TENANT)[0]
        running.progress.reached(row["applied"])
        if is_archived and row["batches"] and row["applied"] == row["batches"]:
            break
        time.sleep(BACKLOG_LOOK_SECONDS)
    used_after = processors.now()
    figures: dict[str, Value] = {
        "applied_batches_per_s_one_user": row["applied"] / row["seconds"] if row["applied"] else 0.0
    }
    if used_before is not None and used_after is not None and row["applied"]:
        used = used_after.figures(used_before, row["applied"])
        figures |= {name.replace("turn", "batch"): value for name, value in used.items() if name.startswith("cpu")}
    return figures


def alone(running: Running, probes: int) -> dict[str, Value]:
    """Time quiet users without other users."""
    return {"quiet_alone_s": _slowest(running, probes)}


def beside_user(running: Running, turns: int, probes: int) -> dict[str, Value]:
    """Time quiet users beside one user with a backlog, and count the batches of the backlog applied in that time."""
    _write(running.settings, "noisy", turns)
    started = time.monotonic()
    slowest = _slowest(running, probes)
    row = running.book.rows(_BATCHES, tenant_id=NOISY_TENANT)[0]
    return {
        "quiet_beside_noisy_s": slowest,
        "noisy_batches_per_s": row["extracted"] / (time.monotonic() - started),
    }


def beside_tenant(running: Running, turns: int, users: int, probes: int) -> dict[str, Value]:
    """Time quiet users beside a tenant whose users all have a backlog."""
    for user in range(users):
        _write(running.settings, f"noisy-{user}", max(1, turns // users))
    return {"quiet_beside_tenant_s": _slowest(running, probes)}


def beside_import(running: Running, turns: int, probes: int) -> dict[str, Value]:
    """Time quiet users while old conversations of one user are imported."""
    with _Import(running.settings, turns):
        return {"quiet_beside_import_s": _slowest(running, probes)}


def beside_session(running: Running, turns: int, probes: int) -> dict[str, Value]:
    """Time quiet users while one session of many turns is being archived."""
    _write(running.settings, "noisy", turns)
    return {"quiet_beside_session_s": _slowest(running, probes)}


class _Import(threading.Thread):
    """Writes the turns of an import for the length of a block, as `afterturn import` does."""

    def __init__(self, settings: Settings, turns: int) -> None:
        super().__init__(name="import", daemon=True)
        self._settings = settings
        self._turns = turns
        self._is_stopped = threading.Event()

    def run(self) -> None:
        with (
            pool.worker_connection(self._settings) as connection,
            redis.Redis.from_url(self._settings.redis_url) as client,
        ):
            for _ in Importer(self._settings, client, connection).write_lines(_import_lines(self._turns)):
                if self._is_stopped.is_set():
                    return

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_stopped.set()
        self.join()


def _import_lines(turns: int) -> Iterator[ImportLine]:
    session, said_at = SessionScope(NOISY_TENANT, "noisy", "old"), datetime.now(UTC) - timedelta(days=400)
    for number, text in enumerate(_texts(turns), start=1):
        occurred_at = said_at + timedelta(minutes=number)
        turn = Turn(turn_id=f"old-{number}", role="user", content=text, occurred_at=occurred_at, is_imported=True)
        yield ImportLine(number=number, session=session, turn=turn)


def _texts(turns: int) -> Iterator[str]:
    return (message.content for message in itertools.islice(workload.messages(users=1), turns))


def _write(settings: Settings, user_id: str, turns: int) -> None:
    """Write so many turns into one session of a user of the noisy tenant, and flush."""
    memory = MemoryClient(user_id, settings=settings, tenant_id=NOISY_TENANT)
    texts = _texts(turns)
    while together := list(itertools.islice(texts, WRITTEN_TOGETHER)):
        memory.write_many({"role": "user", "content": text} for text in together)
    memory.flush()


def _slowest(running: Running, probes: int) -> float:
    """Write one turn each of new quiet users, one after another, and return the seconds of the slowest."""
    running.progress.begin("quiet users", probes)
    slowest = 0.0
    for number in range(1, probes + 1):
        slowest = max(slowest, _seconds_to_fact(running, f"quiet-{number}"))
        running.progress.reached(number)
        time.sleep(PAUSE_SECONDS)
    return slowest


def _seconds_to_fact(running: Running, user_id: str) -> float:
    memory = MemoryClient(user_id, settings=running.settings, tenant_id=QUIET_TENANT)
    started = time.monotonic()
    memory.write("user", "I live in a quiet street in Evora.")
    memory.flush()
    while (seconds := time.monotonic() - started) < DEADLINE_SECONDS:
        if running.book.rows(_HAS_FACT, tenant_id=QUIET_TENANT, user_id=user_id)[0]["found"]:
            break
        time.sleep(LOOK_SECONDS)
    return seconds
