"""One real Celery worker process. By default it consumes every queue, so that a kill stops all running work."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from afterturn import faults
from afterturn.local import environment
from afterturn.local.process import ChildProcess
from afterturn.pipeline.enqueue import STAGES
from afterturn.settings import Settings

APP = "afterturn.worker.app"
START_SECONDS = 60.0
THREADS = 4


class WorkerProcess:
    """`with WorkerProcess(settings, directory, "first", fault=...) as worker:`; killed at the end of the block."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        name: str,
        *,
        fault: str | None = None,
        pool: str = "threads",
        queues: Sequence[str] = STAGES,
        concurrency: int = THREADS,
        app: str = APP,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet. `fault` is the value of FAULT_POINT."""
        self.node = f"{name}@{directory.name}"
        working_dir = directory / "run"
        working_dir.mkdir(parents=True, exist_ok=True)
        own = environment.child_environment(settings) | dict(variables or {})
        if fault is not None:
            own[faults.ENVIRONMENT_VARIABLE] = fault
        self.process = ChildProcess(
            name,
            [sys.executable, "-m", *_command(app, self.node, pool, queues, concurrency)],
            log_path=directory / f"{name}.log",
            working_dir=working_dir,
            environment=own,
        )

    @property
    def is_running(self) -> bool:
        return self.process.is_running

    def start(self) -> Self:
        """Start the worker. It consumes messages when it is ready."""
        self.process.start()
        return self

    def wait_until_ready(self) -> Self:
        self.process.wait_until_ready(
            lambda: self.process.log_contains(f"{self.node} ready"), deadline_seconds=START_SECONDS
        )
        return self

    def signal(self, number: int) -> None:
        """Send a signal to the worker and its pool's processes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, which also ends a paused worker."""
        self.process.kill()

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the worker inside the block."""
        self.pause()
        try:
            yield
        finally:
            self.resume()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.kill()


def _command(app: str, node: str, pool: str, queues: Sequence[str], concurrency: int) -> list[str]:
    start = ["harness.chaos.start_worker", app, "-n", node, "-Q", ",".join(queues), "-c", str(concurrency)]
    return [*start, "--pool", pool, "--without-gossip", "--without-mingle", "-l", "info"]
