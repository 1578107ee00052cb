"""The memory service for Google ADK. ADK needs older libraries than others, so that it is installed in a folder of its
own, which TEST_GOOGLE_ADK_PATH names: `make test-google-adk`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from afterturn.local import environment
from afterturn.local.stack import Stack

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("google_adk_program.py")
PROGRAM_SECONDS = 300


@pytest.fixture
def adk_path() -> Path:
    """A folder with ADK and all its libraries."""
    given = os.environ.get("TEST_GOOGLE_ADK_PATH")
    if given is None:
        pytest.skip("`make test-google-adk` installs Google ADK, which needs older libraries than others")
    return Path(given)


def test_the_memory_service(adk_path: Path, workers: Stack) -> None:
    variables = environment.child_environment(workers.settings)
    variables["PYTHONPATH"] = os.pathsep.join([str(adk_path), variables["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    expected = re.findall(r"(?m)^async def (check_\w+)", PROGRAM.read_text())
    assert done.stdout.split() == expected, done.stderr[-3_000:]
    assert done.returncode == 0
