"""The pipeline in one process, step by step: real servers and real stages, only the broker is left out."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, Self
from uuid import UUID

from afterturn.hot import heard, keys
from afterturn.pipeline.enqueue import STAGES, Enqueue
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import archive, consolidate, embed, erase, extract, index, judge, sleep, summarize, sweep
from afterturn.scopes import SessionScope, UserScope
from afterturn.settings import Settings

BATCH_STAGES = {
    "extract": extract.extract,
    "embed": embed.embed,
    "judge": judge.judge,
    "consolidate": consolidate.consolidate,
}


class Hints(Enqueue):
    """Keeps the hints instead of sending them."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[str, tuple[Any, ...]]] = deque()

    def send(self, stage: str, *arguments: Any) -> bool:
        self.waiting.append((stage, arguments))
        return True

    def close(self) -> None:
        self.waiting.clear()


class Pipeline:
    """`settle()` works until nothing is owed; `step()` does one hint."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.runtime = Runtime(settings)
        self.hints = Hints()
        self.runtime.__dict__["enqueue"] = self.hints

    def __enter__(self) -> Self:
        """Be heard as a worker that does all stages, and sweeps."""
        heard.note(self.runtime.redis, heard.worker("pipeline", STAGES))
        heard.note(self.runtime.redis, heard.SWEEP)
        return self

    def __exit__(self, *exception: object) -> None:
        self.runtime.close()

    def sweep(self) -> dict[str, int]:
        """Look once for what is owed, however lately somebody looked."""
        self.runtime.redis.delete(keys.SWEEP_GATE)
        return sweep.sweep(self.runtime)

    def step(self) -> str:
        """Do what the oldest hint asks for; returns the stage."""
        stage, arguments = self.hints.waiting.popleft()
        self.do(stage, *arguments)
        return stage

    def do(self, stage: str, *arguments: Any) -> Any:
        """Do one stage as its task would."""
        if stage == "archive":
            sessions = [SessionScope(*names) for names in arguments[0]]
            runtime = self.runtime
            for batch in archive.archive(runtime.redis, runtime.postgres, runtime.settings, sessions):
                self.hints.send(batch.stage, batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
            return None
        if stage == "summarize":
            return summarize.summarize(self.runtime, SessionScope(*arguments))
        if stage == "sleep":
            return sleep.sleep(self.runtime, UserScope(*arguments))
        if stage == "index":
            return index.index(self.runtime, UserScope(*arguments))
        if stage == "erase":
            return erase.erase(self.runtime, UserScope(*arguments))
        tenant_id, user_id, batch_id = arguments
        return BATCH_STAGES[stage](self.runtime, UserScope(tenant_id, user_id), UUID(batch_id))

    def settle(self, *, seconds: float = 60.0) -> None:
        """Work until a sweep finds nothing owed."""
        deadline = time.monotonic() + seconds
        while any(self.sweep().values()) or self.hints.waiting:
            assert time.monotonic() < deadline, "the pipeline does not come to rest"
            while self.hints.waiting:
                self.step()
