"""One trial: a fault is injected into a run, and what comes of it is compared with the uninterrupted run."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from tests.chaos import conversation, image
from tests.chaos.image import Image
from tests.chaos.lane import Lane
from tests.chaos.worker_process import WorkerProcess
from tests.llm_server import prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One row of the table."""

    fault: str
    injected: int
    turns_lost: int
    turns_doubled: int
    facts_lost: int
    facts_doubled: int
    #: Calls for a batch whose answer was already stored.
    extra_llm_calls: int
    recovery_seconds: float
    #: Tables that differ from the uninterrupted run in whatever way.
    differing: tuple[str, ...] = ()
    #: Why the trial ended before its end; empty where it did not.
    problem: str = ""

    @property
    def is_clean(self) -> bool:
        lost = (self.turns_lost, self.turns_doubled, self.facts_lost, self.facts_doubled, self.extra_llm_calls)
        return not any(lost) and not self.differing and not self.problem

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def uninterrupted(lane: Lane) -> Image:
    """Run once without any fault and return what is remembered afterwards."""
    lane.begin()
    conversation.write(lane.settings)
    with lane.clock(), WorkerProcess(lane.settings, lane.directory, "uninterrupted"):
        lane.wait_until_settled()
    with lane.database() as connection:
        return image.read(connection)


def concluded(lane: Lane, expected: Image, fault: str, *, injected: int, recovery_seconds: float) -> Outcome:
    """Compare what is remembered now with the uninterrupted run."""
    with lane.database() as connection:
        found = image.read(connection)
        extra = extra_llm_calls(lane, connection)
    return Outcome(
        fault=fault,
        injected=injected,
        **asdict(image.losses(expected, found)),
        extra_llm_calls=extra,
        recovery_seconds=round(recovery_seconds, 2),
        differing=tuple(expected.differences(found)),
    )


def failed(fault: str, error: BaseException) -> Outcome:
    """Return the row of a trial that could not be brought to its end: everything counts as lost."""
    return Outcome(
        fault=fault,
        injected=1,
        turns_lost=0,
        turns_doubled=0,
        facts_lost=0,
        facts_doubled=0,
        extra_llm_calls=0,
        recovery_seconds=float("nan"),
        problem=f"{type(error).__name__}: {str(error)[:300]}",
    )


def extra_llm_calls(lane: Lane, connection: psycopg.Connection[Any]) -> int:
    """Count the calls that came in when an answer to the same question was stored already."""
    rows = connection.execute(
        "SELECT t.user_id, t.content, extract(epoch FROM min(a.created_at)) FROM answers AS a JOIN turns AS t "
        "ON t.tenant_id = a.tenant_id AND t.user_id = a.user_id AND t.position = a.first_position "
        "JOIN batches AS b ON b.tenant_id = a.tenant_id AND b.user_id = a.user_id AND b.batch_id = a.batch_id "
        "AND b.session_id = t.session_id WHERE a.attempt = 1 GROUP BY t.user_id, t.session_id, t.content"
    ).fetchall()
    # The clock of the database and of the test are one machine's.
    stored_at = {(user_id.title(), content): float(at) for user_id, content, at in rows}
    extra = 0
    for call in lane.llm.calls("extract"):
        first = prompt.shown_turns(call.json)[0]
        extra += call.at > stored_at.get((first.speaker, first.content), float("inf"))
    return extra


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started
