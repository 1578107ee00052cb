"""The pipeline in one process, step by step: real servers and real stages, without a broker."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

from afterturn.hot import heartbeats, keys
from afterturn.pipeline.enqueue import FIRST, STAGES, Enqueue, priority_of
from afterturn.pipeline.hand_out import DirectRoom
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import (
    archive,
    cold,
    consolidate,
    embed,
    erase,
    extract,
    index,
    judge,
    merge,
    sleep,
    spaces,
    summarize,
    sweep,
    vectors,
)
from afterturn.scopes import SessionScope, UserScope
from afterturn.settings import Settings

BATCH_STAGES = {
    "embed": embed.embed,
    "judge": judge.judge,
    "consolidate": consolidate.consolidate,
}


class Hints(Enqueue):
    """Stores the hints instead of sending them."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, tuple[Any, ...]]] = deque()
        #: The hints that were sent later than others are to be taken, also those that were taken since.
        self.later: list[tuple[str, tuple[Any, ...]]] = []

    def send(self, stage: str, *arguments: Any, priority: int = FIRST) -> bool:
        self.waiting.append((stage, arguments))
        if priority > FIRST:
            self.later.append((stage, arguments))
        return True

    def read_lengths(self, stages: Sequence[str]) -> dict[str, int]:
        counts = Counter(stage for stage, _ in self.waiting)
        return {stage: counts[stage] for stage in stages}

    def is_interrupted(self) -> bool:
        return False

    def close(self) -> None:
        self.waiting.clear()


class Pipeline:
    """`settle()` runs stages until there is no open work; `step()` runs the stage of one hint."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runtime = Runtime(settings)
        self.hints = Hints()
        self.runtime.__dict__["enqueue"] = self.hints

    def __enter__(self) -> Self:
        """Record the heartbeats of a worker that serves all stages, and of a sweep."""
        heartbeats.record(self.runtime.redis, heartbeats.worker("pipeline", STAGES))
        heartbeats.record(self.runtime.redis, heartbeats.SWEEP)
        return self

    def __exit__(self, *exception: object) -> None:
        self.runtime.close()

    def sweep(self) -> dict[str, int]:
        """Run one sweep, even if another sweep has just run."""
        self.runtime.redis.delete(keys.SWEEP_GATE)
        return sweep.sweep(self.runtime)

    def step(self) -> str:
        """Run the stage of the oldest hint, and return its name."""
        stage, arguments = self.hints.waiting.popleft()
        self.do(stage, *arguments)
        return stage

    def do(self, stage: str, *arguments: Any) -> Any:
        """Run one stage, as its task does."""
        if stage == "archive":
            sessions = [SessionScope(*names) for names in arguments[0]]
            runtime = self.runtime
            room = DirectRoom.read(self.hints, ("extract", "embed"))
            for batch in archive.archive(runtime.redis, runtime.postgres, runtime.settings, sessions, room=room):
                if batch.is_handed_on:
                    names = (batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
                    self.hints.send(batch.stage, *names, priority=priority_of(batch.place))
            return None
        if stage == "summarize":
            return summarize.summarize(self.runtime, SessionScope(*arguments))
        if stage == "sleep":
            return sleep.sleep(self.runtime, UserScope(*arguments))
        if stage == "index":
            return index.index(self.runtime, UserScope(*arguments))
        if stage == "vectors":
            is_done = vectors.embed_missing(self.runtime, UserScope(*arguments))
            return spaces.update_vectors(self.runtime, UserScope(*arguments)) or is_done
        if stage == "cold":
            return cold.cold(self.runtime, UserScope(*arguments) if arguments else None)
        if stage == "merge":
            return merge.merge(self.runtime, UserScope(*arguments))
        if stage == "erase":
            return erase.erase(self.runtime, UserScope(*arguments))
        tenant_id, user_id, batch_id = arguments
        if stage == "extract":
            is_done = extract.extract(self.runtime, UserScope(tenant_id, user_id), UUID(batch_id))
            if is_done:
                # A step of its own here; the task embeds without a message.
                self.hints.send("embed", *arguments)
            return is_done
        return BATCH_STAGES[stage](self.runtime, UserScope(tenant_id, user_id), UUID(batch_id))

    def settle(self, *, seconds: float = 60.0) -> None:
        """Run stages until a sweep finds no open work."""
        deadline = time.monotonic() + seconds
        while any(self.sweep().values()) or self.hints.waiting:
            assert time.monotonic() < deadline, "the pipeline does not settle"
            while self.hints.waiting:
                self.step()
