"""Throughput: many turns at once, a flush of every session, and the time until the last fact can be found."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence

from afterturn.settings import Settings
from api_shim import MemoryClient
from bench import processors
from bench.ledger import Ledger
from bench.progress import Progress
from bench.report import Value
from bench.workload import Message

#: Facts that are missing after this time are counted as lost.
DEADLINE_SECONDS = 600.0
#: The time between two queries. On average, a fact is found half of it late.
LOOK_SECONDS = 0.05
ASKED = 20
RECALLED = 20


def measured(
    said: Iterator[Message], turns: int, settings: Settings, book: Ledger, progress: Progress
) -> dict[str, Value]:
    """Write the next `turns` messages, wait for their facts and summaries, and return the figures."""
    messages = list(itertools.islice(said, turns))
    memories = {message.user_id: MemoryClient(message.user_id, settings=settings) for message in messages}
    progress.begin("turns written", turns)
    used_before = processors.now()
    started = time.perf_counter()
    for number, message in enumerate(messages):
        memories[message.user_id].write(message.role, message.content)
        if number % 100 == 0:
            progress.reached(number)
    writing_seconds = time.perf_counter() - started
    for memory in memories.values():
        memory.flush()
    archived_seconds = _seconds_until(turns, "turns", book, progress, started)
    searchable_seconds = _seconds_until(turns, "facts", book, progress, started)
    used_after = processors.now()
    figures: dict[str, Value] = {
        "turns_per_s": book.count("facts") / searchable_seconds,
        "writes_per_s": turns / writing_seconds,
        "archived_s": archived_seconds,
        "searchable_s": searchable_seconds,
        "not_recalled": _not_recalled(memories, messages),
    }
    if used_before is not None and used_after is not None:
        figures |= used_after.figures(used_before, turns)
    wait_for_summaries(book, progress)
    return figures | {"summarized_s": time.perf_counter() - started}


def _seconds_until(count: int, what: str, book: Ledger, progress: Progress, started: float) -> float:
    """Wait until the count is reached or the deadline has passed, and return the seconds since the start."""
    progress.begin(f"{what} in Postgres", count)
    while True:
        found = book.count(what)
        seconds = time.perf_counter() - started
        progress.reached(found)
        if found >= count or seconds > DEADLINE_SECONDS:
            return seconds
        time.sleep(LOOK_SECONDS)


def _not_recalled(memories: Mapping[str, MemoryClient], messages: Sequence[Message]) -> int:
    """Ask for 20 of the turns, and return how many recall does not find as a fact with the turn as its evidence."""
    asked = messages[:: max(1, len(messages) // ASKED)][:ASKED]
    return sum(not _is_recalled(memories[message.user_id], message) for message in asked)


def _is_recalled(memory: MemoryClient, message: Message) -> bool:
    found = memory.recall(message.content, limit=RECALLED)
    return any(one.kind == "fact" and any(said.quote in message.content for said in one.evidence) for one in found)


def wait_for_summaries(book: Ledger, progress: Progress) -> None:
    """Wait until all summaries are up to date, or the deadline has passed."""
    progress.begin("summaries")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while book.count("owed summaries") and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
