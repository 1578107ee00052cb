"""One child process: started, waited for, stopped, and never left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from afterturn.errors import LocalServerError
from afterturn.local import leash, lock

#: How often a starting child is asked whether it is ready. Each question is one connection to our own machine.
PROBE_INTERVAL_SECONDS = 0.05
#: A log is set aside when it is larger; one older log is kept.
LOG_LIMIT_BYTES = 16 * 1024 * 1024
TAIL_LINES = 15
TAIL_BYTES = 8_192
#: The processes of a run that was killed may still be ending: 5 s, and the moment until they are gone.
LOCK_SECONDS = 10.0
#: After SIGKILL the kernel needs a moment only; more means that a process hangs in the kernel itself.
KILL_SECONDS = 10.0


class ChildProcess:
    """A program that runs in a session of its own, writes to a log file, and dies when we die.

    In a session of its own, the terminal's Ctrl-C does not reach it before we stop it in our order.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        *,
        log_path: Path,
        working_dir: Path,
        environment: Mapping[str, str],
        orphan_signal: int = signal.SIGKILL,
        lock_path: Path | None = None,
    ) -> None:
        """Describe the child; nothing is started.

        `environment` is the whole environment. `orphan_signal` is sent to its group, 5 s before SIGKILL, when we die
        without having stopped it. `lock_path` is a lock that the program and its children hold while they live, so
        that no second one touches the same data.
        """
        self.name = name
        self.log_path = log_path
        self._arguments = arguments
        self._working_dir = working_dir
        self._environment = dict(environment)
        self._orphan_signal = orphan_signal
        self._lock_path = lock_path
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: leash.Leash | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Its process id, which is also its group's; LocalServerError before the start."""
        if self._process is None:
            raise LocalServerError(f"{self.name} has not been started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs (or was never started); negative: the signal that ended it."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None and self._leash is not None:
            self._end_group(self._leash)
        return code

    @property
    def is_running(self) -> bool:
        return self._process is not None and self.exit_code is None

    def start(self) -> None:
        """Start the program; whether it works, only a probe can tell.

        Raises LocalServerError when it runs already, here or (where there is a lock) anywhere.
        """
        if self.is_running:
            raise LocalServerError(f"{self.name} is already running (process {self.pid})")
        with contextlib.ExitStack() as files:
            locks: tuple[int, ...] = ()
            if self._lock_path is not None:
                locks = (files.enter_context(lock.held(self._lock_path, self.name, wait_seconds=LOCK_SECONDS)),)
            log = files.enter_context(_open_log(self.log_path))
            self._log_start = log.tell()
            self._leash = leash.current()
            self._process = subprocess.Popen(
                leash.command(self._arguments, orphan_signal=self._orphan_signal),
                stdin=self._leash.pipe,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=locks,
                cwd=self._working_dir,
                env=self._environment,
                start_new_session=True,
            )
            self._leash.hold(self._process)

    def wait_until_ready(self, is_ready: Callable[[], bool], *, deadline_seconds: float) -> None:
        """Return when `is_ready()` is true.

        Raises LocalServerError, with the end of the child's log, when it ends first or the deadline passes; it is
        killed then.
        """
        deadline = time.monotonic() + deadline_seconds
        while True:
            if not self.is_running:
                raise LocalServerError(self._report(f"{self.name} ended while starting ({self.exit_description})"))
            if is_ready():
                return
            if time.monotonic() > deadline:
                self.kill()
                raise LocalServerError(self._report(f"{self.name} was not ready within {deadline_seconds:g} s"))
            time.sleep(PROBE_INTERVAL_SECONDS)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for its end; False when it still runs after `timeout_seconds`."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_seconds)
        return not self.is_running

    def send(self, number: int) -> None:
        """Send a signal to the program itself (not to its children), if it still runs."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM, *, grace_seconds: float = 10.0) -> None:
        """Ask the program to end; after `grace_seconds` kill it. Its whole group is gone afterwards."""
        self.send(number)
        self.wait(grace_seconds)
        self.kill()

    def kill(self) -> None:
        """End the program and all of its group at once, with SIGKILL. Nothing happens when it was never started."""
        if not self.is_running:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.wait(KILL_SECONDS):
            raise LocalServerError(f"{self.name} (process {self.pid}) does not end, not even by SIGKILL")

    @property
    def exit_description(self) -> str:
        """How it ended, for people: "exit code 1", "killed by SIGKILL"."""
        code = self.exit_code
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def log_says(self, text: str) -> bool:
        """True when the text stands in what it wrote since its last start."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return text.encode() in log.read()
        return False

    def log_tail(self) -> str:
        """The last lines that it wrote since its last start."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_start, size - TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])
        return ""

    def trim_log(self) -> None:
        """Set a log aside that has grown too large, while the program goes on writing to it (it only ever appends)."""
        with contextlib.suppress(FileNotFoundError):
            if self.log_path.stat().st_size > LOG_LIMIT_BYTES:
                shutil.copyfile(self.log_path, _older(self.log_path))
                os.truncate(self.log_path, 0)
                self._log_start = 0

    def _end_group(self, held_by: leash.Leash) -> None:
        """Kill what the program left of its group. Once, and right after its end: later its number may be another's."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        held_by.drop(self.pid)
        self._leash = None

    def _report(self, what: str) -> str:
        return f"{what}; the end of its log {self.log_path}:\n{self.log_tail() or '(empty)'}"


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(_older(path))
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")
