"""The memory service for Google ADK. ADK needs older libraries than others, so that it is installed in a folder of its
own. TEST_GOOGLE_ADK_PATH names one: `pip install --target FOLDER google-adk`."""

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
REQUIREMENT = "google-adk==2.13.0"
INSTALL_SECONDS = 240
PROGRAM_SECONDS = 300


@pytest.fixture(scope="module")
def adk_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ADK and all its libraries."""
    if given := os.environ.get("TEST_GOOGLE_ADK_PATH"):
        return Path(given)
    folder = tmp_path_factory.mktemp("adk")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    try:
        done = subprocess.run(
            [*command, str(folder), REQUIREMENT], capture_output=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{REQUIREMENT} could not be installed within {INSTALL_SECONDS} s")
    if done.returncode:
        pytest.skip(f"{REQUIREMENT} could not be installed here")
    return folder


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
