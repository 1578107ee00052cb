"""`afterturn up` as a user runs it: start, requests, stop, kill."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.waiting import wait_until
from tests.integration.local import left_over

START_SECONDS = 60
UP = [sys.executable, "-m", "api_shim.cli.main", "up", "--api-port", "0", "--flower-port", "0"]

pytestmark = pytest.mark.slow


class Up:
    """A running `afterturn up` and what it has printed."""

    def __init__(self, directory: Path) -> None:
        self.data_dir = directory / "data"
        caller = directory / "caller"
        caller.mkdir(exist_ok=True)
        for name in ("tasks", "worker"):
            (caller / f"{name}.py").write_text("raise SystemExit('a foreign file was imported')\n")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
        # As where PYTHONPATH names the current directory, and another Celery's broker is set.
        environment |= {"PYTHONSAFEPATH": "1", "PYTHONPATH": ".", "CELERY_BROKER_URL": "redis://127.0.0.1:1"}
        self._output = directory / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*UP, "--data-dir", str(self.data_dir)],
                cwd=caller,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while text not in self.output:
            assert time.monotonic() < deadline and self.process.poll() is None, self.output
            time.sleep(0.05)

    def address(self, label: str) -> str:
        found = re.search(rf"{label} +(http\S+)", self.output)
        assert found is not None, self.output
        return found[1]

    def status(self) -> str:
        """What `afterturn status` prints in a shell that knows the data directory only."""
        shown = subprocess.run(
            [sys.executable, "-m", "api_shim.cli.main", "status"],
            env=os.environ | {"COLUMNS": "200", "AFTERTURN_DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return shown.stdout + shown.stderr

    def child(self, text: str) -> int:
        """The process id of the child with this text in its command line."""
        return int(next(line for line in left_over.processes_in(self.data_dir) if text in line).split()[0])


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path)
    started.wait_for("Ctrl-C stops everything")
    yield started
    with contextlib.suppress(ProcessLookupError):
        started.process.kill()
    started.process.wait(10)


def test_all_services_answer_a_second_up_is_refused_and_ctrl_c_stops_them_in_order(up: Up) -> None:
    with httpx.Client(timeout=60) as client:
        assert client.get(up.address("HTTP API") + "/healthz").status_code == 200
        assert client.get(up.address("Flower") + "/healthcheck").text == "OK"
    assert "No LLM is configured" in up.output
    assert "The HTTP API needs no key from this machine" in up.output
    again = subprocess.run([*UP, "--data-dir", str(up.data_dir)], capture_output=True, text=True, timeout=120)
    assert again.returncode == 2
    assert again.stderr.startswith("error [local_server_error]: afterturn up already runs in ")
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0, up.output
    stopped = re.findall(r"stopping +([a-z ]+?)(?: \(|\n)", up.output)
    assert stopped == ["beat", "fast worker", "slow worker", "api", "flower", "postgres", "redis"]
    assert up.output.rstrip().endswith("stopped")


def test_its_key_is_the_same_after_the_next_start_and_no_process_outlives_a_killed_up(up: Up, tmp_path: Path) -> None:
    key = re.search(r"API key +(at_\S+)", up.output)[1]
    assert f"authorization: Bearer {key}" in up.output
    assert stat.S_IMODE((up.data_dir / "api-key").stat().st_mode) == 0o600
    users = up.address("HTTP API") + "/v1/users/ana/sessions"
    with httpx.Client(timeout=60) as client:
        assert client.get(users).status_code == 200
        assert client.get(users, headers={"authorization": f"Bearer {key}"}).status_code == 200
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0, up.output
    again = Up(tmp_path)
    again.wait_for("Ctrl-C stops everything")
    again.process.kill()
    again.process.wait(10)
    assert left_over.wait_until_none(up.data_dir) == []
    assert re.search(r"API key +(at_\S+)", again.output)[1] == key


def test_a_second_ctrl_c_stops_at_once(up: Up) -> None:
    for process in ("fast@", "slow@"):
        os.kill(up.child(process), signal.SIGSTOP)  # a worker that will not end in order
    up.process.send_signal(signal.SIGINT)
    up.wait_for("stopping  fast worker")
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(10) == 0, up.output
    assert "stopped at once" in up.output


def test_a_part_that_dies_is_named_and_started_again(up: Up) -> None:
    for part, child in (
        ("api", "main api"),
        ("fast worker", "worker fast"),
        ("redis", "redis-server"),
        ("postgres", "postgres -D"),
    ):
        os.kill(up.child(child), signal.SIGKILL)
        up.wait_for(f"{part} has ended (killed by SIGKILL)")
        up.wait_for(f"ready     {part:<12} again")
    assert "Application startup complete" in up.output, "the end of its log is shown"
    assert httpx.get(up.address("HTTP API") + "/healthz").status_code == 200
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(60) == 0, up.output


def test_a_crash_loop_is_shown_by_status_and_stopped_by_ctrl_c(up: Up) -> None:
    for times in ("", ", 2 times in a row", ", 3 times in a row"):
        wait_until(lambda: any("main beat" in line for line in left_over.processes_in(up.data_dir)), seconds=60)
        os.kill(up.child("main beat"), signal.SIGKILL)
        up.wait_for(f"beat has ended (killed by SIGKILL{times})")
    shown = re.compile(r"beat on \S+ has exited 3 times in a row, the last time with killed by SIGKILL")
    wait_until(lambda: bool(shown.search(up.status())), seconds=60, what=up.status)
    up.process.send_signal(signal.SIGTERM)  # while beat waits for its next start
    assert up.process.wait(60) == 0, up.output
    assert left_over.wait_until_none(up.data_dir) == []
