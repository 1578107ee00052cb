"""A child process: start, probe, stop together with its own children. It never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from afterturn.errors import LocalServerError
from afterturn.local import log_pipe
from afterturn.local.process import ChildProcess
from harness.waiting import wait_until
from tests.integration.local import left_over

Make = Callable[[str], ChildProcess]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make a child that runs a shell script in tmp_path; it is killed after the test."""
    children = []

    def make_child(script: str) -> ChildProcess:
        child = ChildProcess(
            "child",
            ["/bin/sh", "-c", script],
            log_path=tmp_path / "logs" / "child.log",
            working_dir=tmp_path,
            environment={"PATH": os.defpath},
        )
        children.append(child)
        return child

    yield make_child
    for child in children:
        child.kill()


def test_a_child_is_ready_when_its_probe_succeeds(make: Make) -> None:
    child = make("echo up; sleep 60")
    child.start()
    child.wait_until_ready(lambda: child.log_contains("up"), deadline_seconds=5)
    assert child.is_running
    child.stop()
    assert child.exit_description == "killed by SIGTERM"


def test_a_child_that_dies_first_is_reported_with_the_end_of_its_log(make: Make, tmp_path: Path) -> None:
    child = make("echo 'the disk is full' >&2; exit 3")
    child.start()
    expected = rf"(?s)child ended while starting \(exit code 3\).*{tmp_path}/logs/child.log:\nthe disk is full"
    with pytest.raises(LocalServerError, match=expected):
        child.wait_until_ready(lambda: False, deadline_seconds=5)


def test_only_the_log_of_this_start_is_shown(make: Make) -> None:
    child = make("echo $$")
    child.start()
    child.wait(5)
    first = child.log_tail()
    child.start()
    child.wait(5)
    assert first not in child.log_tail().split()


def test_a_child_that_is_never_ready_is_killed(make: Make) -> None:
    child = make("sleep 60")
    child.start()
    with pytest.raises(LocalServerError, match=r"child was not ready within 0\.2 s"):
        child.wait_until_ready(lambda: False, deadline_seconds=0.2)
    assert child.exit_description == "killed by SIGKILL"


def test_a_running_child_is_not_started_again(make: Make) -> None:
    child = make("sleep 60")
    child.start()
    with pytest.raises(LocalServerError, match="already running"):
        child.start()


def test_stopping_a_child_also_ends_its_own_children(make: Make, tmp_path: Path) -> None:
    child = make("sleep 61 & sleep 62 & wait")
    child.start()
    child.stop(grace_seconds=5)
    assert left_over.wait_until_none(tmp_path, 1) == []


def test_a_child_that_ignores_the_signal_is_killed_after_the_grace_period(make: Make) -> None:
    child = make("trap '' TERM; echo up; while true; do sleep 0.1; done")
    child.start()
    child.wait_until_ready(lambda: child.log_contains("up"), deadline_seconds=5)
    child.stop(grace_seconds=0.2)
    assert child.exit_description == "killed by SIGKILL"


def test_the_children_of_a_dead_child_are_ended(make: Make, tmp_path: Path) -> None:
    child = make("sleep 61 & exit 0")
    child.start()
    child.wait(5)
    assert child.exit_code == 0
    assert left_over.wait_until_none(tmp_path, 1) == []


def test_a_child_still_runs_when_the_thread_that_started_it_has_ended(make: Make) -> None:
    child = make("sleep 60")
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert child.is_running


def test_a_child_has_its_own_session(make: Make) -> None:
    child = make("sleep 60")
    child.start()
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def _files_of(log: Path) -> list[Path]:
    """The files of a log, the oldest first."""
    return sorted(log.parent.glob(f"{log.name}*"), key=lambda path: -int(path.suffix[1:]) if path != log else 0)


def test_a_log_is_rotated_while_the_program_writes_and_no_line_is_lost(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_pipe, "LOG_LIMIT_BYTES", 100_000)
    child = make("i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i + 1)); done; echo end")
    child.start()
    child.wait(30)
    assert child.log_tail().splitlines()[-1] == "end"
    files = _files_of(child.log_path)
    assert len(files) == 1 + log_pipe.KEPT_FILES
    assert all(path.stat().st_size < 200_000 for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    lines = "".join(path.read_text() for path in files).splitlines()
    assert lines[0].startswith("line ")
    first = int(lines[0].split()[1])
    assert lines == [*(f"line {number}" for number in range(first, 30_000)), "end"]


def test_the_logs_of_a_program_that_writes_for_ever_are_bounded(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pipe, "LOG_LIMIT_BYTES", 10_000)
    for script in ("yes 'a line' | head -c 3000000", "head -c 3000000 /dev/zero"):
        child = make(script)
        child.start()
        child.wait(30)
        child.log_tail()
        files = _files_of(child.log_path)
        assert len(files) == 1 + log_pipe.KEPT_FILES
        assert sum(path.stat().st_size for path in files) <= 4 * (2 * 10_000 + 65_536)


def test_a_log_of_an_earlier_run_goes_on(make: Make) -> None:
    for word in ("first", "second"):
        child = make(f"echo {word}")
        child.start()
        child.wait(5)
        assert child.log_tail() == word
    assert child.log_path.read_text() == "first\nsecond\n"


def test_a_program_whose_log_cannot_be_written_goes_on(make: Make, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "child.log").mkdir()
    child = make("yes | head -c 1000000; touch done; sleep 60")
    child.start()
    child.wait_until_ready((tmp_path / "done").exists, deadline_seconds=5)
    assert child.is_running


WRITER = """
import os, pathlib, sys
from afterturn.local.process import ChildProcess
directory = pathlib.Path(sys.argv[1])
child = ChildProcess("child", ["/bin/sh", "-c", "trap 'sleep 0.5; echo last words; exit' TERM; echo up; "
    "while true; do sleep 0.1; done"], log_path=directory / "child.log", working_dir=directory,
    environment={"PATH": os.defpath}, orphan_signal=15)
child.start()
child.wait_until_ready(lambda: child.log_contains("up"), deadline_seconds=5)
print("up", flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_a_child_writes_after_its_parent_was_killed_is_in_its_log(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", WRITER, str(tmp_path)], timeout=120, capture_output=True)
    wait_until(lambda: "last words" in (tmp_path / "child.log").read_text(), seconds=60)


PARENT = """
import pathlib, sys, time
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
directory = pathlib.Path(sys.argv[1])
RedisServer(directory).start()
PostgresServer(directory, durable=False).start()
print("up", flush=True)
if sys.argv[2] == "waits":
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_servers_end_when_their_parent_is_killed(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path), "waits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        assert len(left_over.processes_in(tmp_path)) >= 2
        os.killpg(parent.pid, number)
    assert left_over.wait_until_none(tmp_path) == []


def test_the_servers_end_with_a_parent_that_does_not_stop_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PARENT, str(tmp_path), "ends"], check=True, timeout=60, capture_output=True)
    assert left_over.processes_in(tmp_path) == []
    log = (tmp_path / "logs" / "redis.log").read_text()
    assert "ready to exit" in log, "redis was killed, not stopped by a signal"
