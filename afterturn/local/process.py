"""One child process: start it, wait for it, stop it. It never outlives this process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from afterturn.errors import LocalServerError
from afterturn.local import guardian_pipe, lock, log_pipe

#: How often a starting child is probed. A probe makes one connection on this machine.
PROBE_INTERVAL_SECONDS = 0.05
TAIL_LINES = 15
TAIL_BYTES = 8_192
#: How long to wait for the lock: the processes of a killed run may take 5 s, and a little more, to end.
LOCK_SECONDS = 10.0
#: How long to wait after SIGKILL. A process that takes longer hangs in the kernel.
KILL_SECONDS = 10.0


class ChildProcess:
    """A program that runs in its own session, writes to a log file, and ends when this process ends.

    It has its own session so that the terminal's Ctrl-C does not reach it: processes are stopped in our order.
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
        """Configure the child without starting it.

        Args:
            name: the program's name in messages.
            arguments: the program and its arguments.
            log_path: the file for its output.
            working_dir: its current directory.
            environment: its whole environment.
            orphan_signal: sent to its process group, 5 s before SIGKILL, when this process dies first.
            lock_path: a lock that the program and its children hold while they run, so that no second program uses the
                same data.
        """
        self.name = name
        self.log_path = log_path
        self._arguments = arguments
        self._working_dir = working_dir
        self._environment = dict(environment)
        self._orphan_signal = orphan_signal
        self._lock_path = lock_path
        self._process: subprocess.Popen[bytes] | None = None
        self._guardian_pipe: guardian_pipe.GuardianPipe | None = None
        self._log: log_pipe.LogPipe | None = None
        #: The size of the log at the start.
        self._log_start = 0

    @property
    def pid(self) -> int:
        """Its process id, which is also the id of its process group. Raises LocalServerError before the start."""
        if self._process is None:
            raise LocalServerError(f"{self.name} has not been started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs or before the start. A negative number is the signal that ended it."""
        if self._process is None:
            return None
        code = self._process.poll()
        if code is not None and self._guardian_pipe is not None:
            self._end_group(self._guardian_pipe)
        return code

    @property
    def is_running(self) -> bool:
        return self._process is not None and self.exit_code is None

    def start(self) -> None:
        """Start the program. Use `wait_until_ready` to know whether it works.

        Raises LocalServerError when it already runs, or when another process holds the lock.
        """
        if self.is_running:
            raise LocalServerError(f"{self.name} is already running (process {self.pid})")
        with contextlib.ExitStack() as files:
            locks: tuple[int, ...] = ()
            if self._lock_path is not None:
                locks = (files.enter_context(lock.hold_lock(self._lock_path, self.name, wait_seconds=LOCK_SECONDS)),)
            self._log_start = self._log_size()
            self.log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._log = log_pipe.current_writer().open_log(self.log_path)
            files.callback(self._log.close_output)
            self._guardian_pipe = guardian_pipe.current_pipe()
            self._process = subprocess.Popen(
                guardian_pipe.guarded_command(self._arguments, orphan_signal=self._orphan_signal),
                stdin=self._guardian_pipe.descriptor,
                stdout=self._log.output,
                stderr=subprocess.STDOUT,
                pass_fds=locks,
                cwd=self._working_dir,
                env=self._environment,
                start_new_session=True,
            )
            self._guardian_pipe.add_child(self._process)

    def wait_until_ready(self, is_ready: Callable[[], bool], *, deadline_seconds: float) -> None:
        """Return when `is_ready()` is true.

        Raises LocalServerError, with the end of the child's log, when the child ends first or the deadline passes.
        After the deadline the child is killed.
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
        """Wait until it ends. Return False when it still runs after `timeout_seconds`."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_seconds)
        return not self.is_running

    def send_signal(self, number: int) -> None:
        """Send a signal to the program (not to its children), if it still runs."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def stop(self, number: int = signal.SIGTERM, *, grace_seconds: float = 10.0) -> None:
        """Send a signal and kill the program after `grace_seconds`. No process of its group runs afterwards."""
        self.send_signal(number)
        self.wait(grace_seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the program and its whole group with SIGKILL. Does nothing when it does not run."""
        if not self.is_running:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        if not self.wait(KILL_SECONDS):
            raise LocalServerError(f"{self.name} (process {self.pid}) does not end, not even by SIGKILL")

    @property
    def exit_description(self) -> str:
        """How it ended, for messages: "exit code 1" or "killed by SIGKILL"."""
        code = self.exit_code
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"killed by {signal.Signals(-code).name}"

    def log_contains(self, text: str) -> bool:
        """Return whether the program has written this text since its last start."""
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            log.seek(self._find_start())
            return text.encode() in log.read()
        return False

    def log_tail(self) -> str:
        """Return the last lines that the program has written since its last start."""
        if self._log is not None and not self.is_running:
            self._log.wait_until_written()
        with contextlib.suppress(FileNotFoundError), self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._find_start(), size - TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-TAIL_LINES:])
        return ""

    def _log_size(self) -> int:
        with contextlib.suppress(FileNotFoundError):
            return self.log_path.stat().st_size
        return 0

    def _find_start(self) -> int:
        """Return where the output since the start begins in the log, which may be a new one since."""
        if self._log_size() < self._log_start:
            self._log_start = 0
        return self._log_start

    def _end_group(self, pipe: guardian_pipe.GuardianPipe) -> None:
        """Kill the remaining processes of the group, once, right after the program has ended.

        Later another group may have the same number.
        """
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        pipe.remove_group(self.pid)
        self._guardian_pipe = None

    def _report(self, problem: str) -> str:
        return f"{problem}; the end of its log {self.log_path}:\n{self.log_tail() or '(empty)'}"
