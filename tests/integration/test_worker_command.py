"""`afterturn worker`, started by hand where nothing is as it should be, works, answers and ends in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn.local.process import ChildProcess
from afterturn.settings import Settings

pytestmark = pytest.mark.slow

AFTERTURN = [sys.executable, "-m", "api_shim.cli.main"]
NODE = "slow@by-hand"
#: What another project leaves in the environment; -A of Celery's own command line would be taken from APP.
FOREIGN = {"APP": "other.app", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "PYTHONPATH": "."}


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """The environment of a person at a terminal: REMAP_SIGTERM, which stacks and images set, is not in it."""
    kept = {name: value for name, value in os.environ.items() if name != "REMAP_SIGTERM"}
    return kept | FOREIGN | {"AFTERTURN_REDIS_URL": settings.redis_url}


@pytest.fixture
def worker(environment: dict[str, str], tmp_path: Path, empty_directory: Path) -> Iterator[ChildProcess]:
    for name in ("tasks", "worker", "celeryconfig"):
        (empty_directory / f"{name}.py").write_text("raise SystemExit('the foreign file was imported')\n")
    process = ChildProcess(
        "worker",
        [*AFTERTURN, "worker", "slow", "--node", NODE],
        log_path=tmp_path / "worker.log",
        working_dir=empty_directory,
        environment=environment,
    )
    process.start()
    process.wait_until_ready(lambda: process.log_contains(f"{NODE} ready"), deadline_seconds=60)
    yield process
    process.kill()


def test_it_answers_the_health_check_of_compose(
    worker: ChildProcess, environment: dict[str, str], empty_directory: Path
) -> None:
    command = [*AFTERTURN, "celery", "inspect", "ping", "--timeout", "10", "-d", NODE]
    ended = subprocess.run(command, cwd=empty_directory, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended
    assert "1 node online" in ended.stdout


def test_sigterm_begins_the_soft_shutdown(worker: ChildProcess) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30), worker.log_tail()
    assert worker.exit_code == 0
    assert worker.log_contains("Initiating Soft Shutdown"), worker.log_tail()
