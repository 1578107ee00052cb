"""One trial: a fault is injected into a run, and the result is compared with the uninterrupted run."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import psycopg

from afterturn.consolidation import judge
from harness.chaos import conversation, image
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.worker_process import WorkerProcess
from harness.llm_server import prompt
from harness.llm_server.recording import RecordedRequest
from harness.slowdown import Slowdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of a trial: one row of the table."""

    fault: str
    injected: int
    turns_lost: int
    turns_doubled: int
    facts_lost: int
    facts_doubled: int
    #: Calls for a batch whose answer was already stored.
    extra_llm_calls: int
    #: From the restart until there is no open work, including the start of the new process.
    recovery_seconds: float | None
    #: The time of that start, most of which is imports.
    start_seconds: float = 0.0
    #: The time of work divided by its time on an idle machine.
    slowdown: float = 1.0
    #: Tables that differ from the uninterrupted run.
    differing: tuple[str, ...] = ()
    #: Why the trial could not be completed; empty if it was.
    problem: str = ""

    @property
    def is_clean(self) -> bool:
        lost = (self.turns_lost, self.turns_doubled, self.facts_lost, self.facts_doubled, self.extra_llm_calls)
        return not any(lost) and not self.differing and not self.problem

    @property
    def recovery_of_an_idle_machine(self) -> float:
        """The estimated seconds of recovery on an idle machine, without the start."""
        return ((self.recovery_seconds or 0.0) - self.start_seconds) / self.slowdown

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Stopwatch:
    """Measures the time of recovery from its creation."""

    def __init__(self) -> None:
        self._made = time.monotonic()
        self._slowdown = Slowdown()
        self._slowdown.start()
        self.start_seconds = 0.0
        self.recovery_seconds = 0.0
        self.slowdown = 1.0

    def started(self, worker: WorkerProcess) -> None:
        """Wait until the new worker consumes messages, and store the time of its start."""
        worker.wait_until_ready()
        self.start_seconds = time.monotonic() - self._made

    def settled(self) -> None:
        """Store the time at which there is no more open work."""
        self.recovery_seconds = time.monotonic() - self._made
        self.slowdown = self._slowdown.stop()


def uninterrupted(lane: Lane) -> Image:
    """Run once without a fault, and return the image of the memory."""
    lane.begin()
    conversation.write(lane.settings)
    with lane.clock(), WorkerProcess(lane.settings, lane.directory, "uninterrupted"):
        lane.wait_until_settled()
    with lane.database() as connection:
        return image.read_image(connection)


def concluded(
    lane: Lane,
    expected: Image,
    fault: str,
    watch: Stopwatch,
    *,
    injected: int = 1,
    may_sleep: bool = False,
    may_reorder: bool = False,
) -> Outcome:
    """Compare the present memory with that of the uninterrupted run.

    Args:
        lane: the servers of the trial.
        expected: the memory of the uninterrupted run.
        fault: the name of the row.
        watch: the time of recovery.
        injected: how often the fault was injected.
        may_sleep: whether nightly consolidation may have made calls.
        may_reorder: whether batches may have been extracted in another order, so that the judge decided in place of
            extraction or the other way round. The memory is the same all the same.
    """
    with lane.database() as connection:
        found = image.read_image(connection)
        extra = extra_llm_calls(lane, connection, may_sleep=may_sleep)
    return Outcome(
        fault=fault,
        injected=injected,
        **asdict(image.losses(expected, found)),
        extra_llm_calls=extra,
        recovery_seconds=round(watch.recovery_seconds, 2),
        start_seconds=round(watch.start_seconds, 2),
        slowdown=round(watch.slowdown, 2),
        differing=tuple(name for name in expected.differences(found) if not (may_reorder and name in image.ASKED)),
    )


def failed(fault: str, error: BaseException) -> Outcome:
    """Return the row of a trial that could not be completed."""
    return Outcome(
        fault=fault,
        injected=1,
        turns_lost=0,
        turns_doubled=0,
        facts_lost=0,
        facts_doubled=0,
        extra_llm_calls=0,
        recovery_seconds=None,
        problem=f"{type(error).__name__}: {str(error)[:300]}",
    )


def renamed(outcome: Outcome, fault: str) -> Outcome:
    """Return the same row under another name."""
    return replace(outcome, fault=fault)


_STORED = """
SELECT t.user_id, t.content, extract(epoch FROM min(a.created_at)),
       (SELECT count(*) FROM llm_calls AS c
        WHERE c.batch_id = a.batch_id AND c.stage = 'extract' AND c.reserved_at <= min(a.created_at))
FROM answers AS a
JOIN batches AS b USING (tenant_id, user_id, batch_id)
JOIN turns AS t ON t.tenant_id = a.tenant_id AND t.user_id = a.user_id AND t.session_id = b.session_id
                   AND t.position = a.first_position
WHERE a.attempt = 1
GROUP BY a.batch_id, t.user_id, t.session_id, t.content
"""


_JUDGED = """
SELECT j.input_digest, extract(epoch FROM j.created_at),
       (SELECT count(*) FROM llm_calls AS c
        WHERE c.batch_id = j.batch_id AND c.stage = 'judge' AND c.reserved_at <= j.created_at)
FROM judgements AS j
"""


def extra_llm_calls(lane: Lane, connection: psycopg.Connection[Any], *, may_sleep: bool = False) -> int:
    """Count the calls that were received after an answer to the same question was stored.

    A paused worker may resume in the middle of a call that it had reserved before; it cannot know that it was paused.
    With `may_sleep`, calls that were reserved before the answer was stored are not counted.
    """
    extracted = [
        ((user_id.title(), content), float(at), int(reserved))
        for user_id, content, at, reserved in connection.execute(_STORED).fetchall()
    ]
    judged = [(digest, float(at), int(reserved)) for digest, at, reserved in connection.execute(_JUDGED).fetchall()]
    asked = [(_first_turn(call), call.at) for call in lane.llm.calls("extract")]
    put = [(_digest(call, lane.settings.llm_model), call.at) for call in lane.llm.calls("judge")]
    return _extra(asked, extracted, may_sleep=may_sleep) + _extra(put, judged, may_sleep=may_sleep)


def _extra(calls: Sequence[tuple[Any, float]], stored: Sequence[tuple[Any, float, int]], *, may_sleep: bool) -> int:
    """Count late calls, from (question, time) and (question, time of the answer, calls reserved until then)."""
    # The database and the test use the clock of one machine.
    stored_at = {question: at for question, at, _ in stored}
    reserved = {question: calls_before for question, _, calls_before in stored}
    late = Counter(question for question, at in calls if at > stored_at.get(question, float("inf")))
    if may_sleep:
        all_calls = Counter(question for question, _ in calls)
        return sum(max(0, min(late[question], all_calls[question] - reserved[question])) for question in late)
    return late.total()


def _first_turn(call: RecordedRequest) -> tuple[str, str]:
    first = prompt.shown_turns(call.json)[0]
    return first.speaker, first.content


def _digest(call: RecordedRequest, model: str) -> str:
    """Return the digest of a judging call's question, as `judgement.question_digest` computes it."""
    parts = (judge.PROMPT_VERSION, model, prompt.user_text(call.json))
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
