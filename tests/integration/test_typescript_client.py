"""The TypeScript client: it is up to date, and works on a real HTTP API. Needs node and npm, and a network once."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from harness.pipeline import Pipeline
from tests.docs.pages import ROOT, fences_of

CLIENT = ROOT / "clients" / "typescript"
KEY = "the-key-of-this-test"
OLDEST_NODE = 20
#: For npm, on a machine that others use too.
INSTALL_SECONDS = 90


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the client's folder; return how it ended."""
    return subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)


@pytest.fixture(scope="module")
def packages() -> None:
    """The packages that package.json names, below the client's folder. Skips where they cannot be installed."""
    if not shutil.which("npm"):
        pytest.skip("npm is not installed")
    if int(run("node", "--print", "process.versions.node").stdout.partition(".")[0]) < OLDEST_NODE:
        pytest.skip(f"node is older than {OLDEST_NODE}")
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build" / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            installed = run("npm", "install", "--prefer-offline", "--fetch-retries=0")
        except subprocess.TimeoutExpired:
            pytest.skip("npm install took too long")
    if installed.returncode:
        pytest.skip(f"npm install failed: {installed.stderr[:200]}")


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a program that calls an HTTP API with a key of every right."""
    given = Settings(**settings.model_dump(exclude_unset=True) | {"api_port": 0, "api_key": KEY})
    with Stack(given, data_dir=tmp_path / "stack", commands=COMMANDS, names=("api",)) as stack:
        yield os.environ | {"AFTERTURN_URL": stack.address("api"), "AFTERTURN_API_KEY": KEY}


def test_the_typescript_client_has_the_version_of_the_api() -> None:
    document = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))
    package = json.loads((CLIENT / "package.json").read_text(encoding="utf-8"))
    assert package["version"] == document["info"]["version"]
    assert package.keys() & {"dependencies", "peerDependencies"} == set()


@pytest.mark.slow
def test_the_typescript_client_is_up_to_date(packages: None) -> None:
    checked = run("node", "generate.mjs", "--check")
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.slow
def test_the_typescript_client_works(
    packages: None, environment: dict[str, str], pipeline: Pipeline, tmp_path: Path
) -> None:
    built = run("npm", "run", "build")
    assert built.returncode == 0, built.stdout

    def run_beside_workers(*command: str) -> tuple[int, str]:
        with (tmp_path / "output").open("w+") as output:
            program = subprocess.Popen(command, cwd=CLIENT, env=environment, stdout=output, stderr=subprocess.STDOUT)
            while program.poll() is None:
                pipeline.settle()
                time.sleep(0.1)
            output.seek(0)
            return program.returncode, output.read()

    status, report = run_beside_workers("npm", "test")
    assert status == 0, report
    example = next(fence.content for fence in fences_of("clients/typescript/README.md") if fence.language == "ts")
    adapted = re.sub(r'"http://127[^"]+"', "process.env.AFTERTURN_URL", example)
    status, shown = run_beside_workers("node", "--input-type=module", "--eval", adapted)
    assert status == 0 and "Ana lives in Porto." in shown, shown
