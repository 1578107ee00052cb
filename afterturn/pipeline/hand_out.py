"""Limit the work that is handed out: each queue contains about a second of work for its workers.

Open work stays in the database and in the due indexes. It is chosen there in a fair order, and enters a queue shortly
before a worker takes it. So queues stay short, whatever the backlog is, and work that waits in a queue is not handed
out again.

The sweep fills the queues. A stage sends a batch directly to the next stage only while the next queue is short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import redis

from afterturn.hot import keys
from afterturn.pipeline.enqueue import FIRST, STAGES, Enqueue

#: A queue is topped up to at least this many messages. Larger: newer work waits longer for slow workers. Smaller: fast
#: workers that were idle have enough work only after several more sweeps.
SHORT_QUEUE = 20
#: The same for archive, whose messages name many sessions each.
SHORT_ARCHIVE_QUEUE = 8
#: A queue is filled to this many times the number of messages that its workers took since the last sweep. Below 1, it
#: would be empty before the next sweep. With each tenth more, a new message waits a tenth of the interval longer.
RESERVE = 1.5
#: A stage sends a batch of a user without a backlog directly while fewer messages than this wait in the queue. It is
#: larger than SHORT_QUEUE, the limit for the rest of a backlog, so that backlogs leave room for other users.
DIRECT_QUEUE = 2 * SHORT_QUEUE
#: While beat runs, the time between two sweeps is shorter. After a longer break, the lengths start small again.
REMEMBERED_SECONDS = 60

#: The stages that work is handed out to.
HANDED_OUT = tuple(stage for stage in STAGES if stage != "sweep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The room in the queue of one stage."""

    #: Messages that wait in the queue.
    length: int
    #: Messages that may be added.
    free: int
    #: Whether so few messages wait that a message sent a while ago was taken, or lost.
    is_short: bool


def read_rooms(client: redis.Redis, enqueue: Enqueue, *, longest: int) -> dict[str, Room] | None:
    """Return the room in the queue of each stage; None if the broker is unavailable.

    Args:
        client: the hot store, which contains the lengths of the queues after the last sweep.
        enqueue: the producer.
        longest: the largest length of a queue.
    """
    lengths = enqueue.read_lengths(HANDED_OUT)
    if lengths is None:
        return None
    before = cast(list[bytes | None], client.hmget(keys.QUEUES, list(HANDED_OUT)))
    return {
        stage: _room(stage, lengths[stage], int(topped_up or 0), longest)
        for stage, topped_up in zip(HANDED_OUT, before, strict=True)
    }


def _room(stage: str, length: int, topped_up: int, longest: int) -> Room:
    """Return the room in a queue that had `topped_up` messages after the last sweep and has `length` now.

    A queue that was empty gets more messages each time, until the workers leave some in it.
    """
    short = SHORT_ARCHIVE_QUEUE if stage == "archive" else SHORT_QUEUE
    taken = max(0, topped_up - length)
    depth = min(longest, max(short, math.ceil(taken * RESERVE)))
    return Room(length=length, free=max(0, depth - length), is_short=length < short)


def remember(client: redis.Redis, rooms: Mapping[str, Room], sent: Mapping[str, int]) -> None:
    """Store the lengths of the queues after a sweep, for the next one.

    Args:
        client: the hot store.
        rooms: as they were read by this sweep.
        sent: how many messages it sent to each stage.
    """
    lengths = {stage: room.length + sent.get(stage, 0) for stage, room in rooms.items()}
    # Not in a pipeline: a Redis whose memory is full refuses a whole pipeline.
    client.hset(keys.QUEUES, mapping=cast(dict[str | bytes, bytes | float | int | str], lengths))
    client.expire(keys.QUEUES, REMEMBERED_SECONDS)


def may_hand_on(enqueue: Enqueue, stage: str, priority: int = FIRST) -> bool:
    """Return whether a stage's queue is short enough to send it one message of a priority directly."""
    return DirectRoom.read(enqueue, (stage,)).take(stage, priority)


class DirectRoom:
    """The number of batches that a stage may still send directly. The sweep hands out the others."""

    def __init__(self, free: Mapping[str, int]) -> None:
        """`free` is how many messages each stage may get, those with priority included."""
        self._free = dict(free)

    @classmethod
    def read(cls, enqueue: Enqueue, stages: Iterable[str]) -> DirectRoom:
        """Read the room in the queues from the broker. There is none if the broker does not answer."""
        lengths = enqueue.read_lengths(tuple(stages)) or {}
        return cls({stage: DIRECT_QUEUE - length for stage, length in lengths.items()})

    def take(self, stage: str, priority: int = FIRST) -> bool:
        """Take the place of one message in a stage's queue. Returns whether there was one for its priority."""
        free = self._free.get(stage, 0)
        if free <= (0 if priority == FIRST else DIRECT_QUEUE - SHORT_QUEUE):
            return False
        self._free[stage] = free - 1
        return True


#: No batch is sent directly: the sweep hands out all.
NO_DIRECT_ROOM = DirectRoom({})
