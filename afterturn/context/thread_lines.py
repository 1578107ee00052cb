"""Threads among the recalled memories: one line in place of the several facts that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from afterturn.context import lines
from afterturn.context.memory_block import MemoryLine
from afterturn.threads.thread import Thread

#: A thread is shown if at least so many of its facts were recalled, and at least this share of them: otherwise the
#: question is about one of its facts, and not about how the matter developed.
_LEAST_RECALLED = 2
_LEAST_SHARE = 1 / 3


def with_threads(recalled: Sequence[MemoryLine], threads: Sequence[Thread], zone: tzinfo) -> list[MemoryLine]:
    """Return the lines of recalled memories, and each thread that is asked for before the first of its facts.

    Where a thread finds no room, its facts still follow.

    Args:
        recalled: lines of memories, best first.
        threads: threads that may rest on them.
        zone: the user's timezone.
    """
    place_of = {line.memory_ids[0]: place for place, line in enumerate(recalled)}
    before: dict[int, list[MemoryLine]] = {}
    for thread in threads:
        places = [place_of[fact_id] for fact_id in thread.fact_ids if fact_id in place_of]
        if len(places) >= max(_LEAST_RECALLED, _LEAST_SHARE * len(thread.fact_ids)):
            before.setdefault(min(places), []).append(lines.thread_line(thread, zone))
    return [shown for place, line in enumerate(recalled) for shown in (*before.get(place, ()), line)]
