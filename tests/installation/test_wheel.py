"""The wheel harms nobody: another project with packages `tasks` and `worker` works beside it, and outlives it."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation.conftest import ROOT
from tests.installation.environment import Environment, built

pytestmark = pytest.mark.slow

#: Imports and migrations on a slow and busy machine.
START_SECONDS = 120
FOREIGN = 'MINE = "of the other project"\n'
PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "other-project"
version = "1"
[tool.setuptools]
packages = ["tasks", "worker"]
"""
AGENT = """
import tasks, worker
from api_shim import MemoryClient

assert tasks.MINE == worker.MINE == "of the other project"
memory = MemoryClient("ana")
memory.write("user", "I live in Porto.", name="Ana")
memory.flush(wait_seconds=60)
print(*(found.text for found in memory.recall("Where does Ana live?")), sep="\\n")
"""


def test_the_wheel_brings_two_names_and_all_of_their_files(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert {name.partition("/")[0] for name in packed} == {"afterturn", "api_shim"}
    rooms = {"afterturn": "afterturn", "api_shim": "api_shim", "tasks": "afterturn/tasks", "worker": "afterturn/worker"}
    assert packed == {
        f"{packed_as}/{path.relative_to(ROOT / room)}"
        for room, packed_as in rooms.items()
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def shared(wheel: Path, tmp_path: Path) -> Environment:
    """An environment of its own, into which the other project was installed after afterturn."""
    project = tmp_path / "project"
    for name in ("tasks", "worker"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text(FOREIGN)
    (project / "pyproject.toml").write_text(PROJECT)
    environment = Environment(tmp_path / "environment", wheel, "embedded", "http", "worker")
    environment.install(built(project, tmp_path))
    return environment


def test_both_projects_work_and_neither_takes_the_other_along(shared: Environment, empty_directory: Path) -> None:
    with up(shared, empty_directory) as variables:
        ended = shared.run("python", "-c", AGENT, cwd=empty_directory, variables=variables)
        assert ended.returncode == 0, ended.stderr
        assert "Ana lives in Porto." in ended.stdout.splitlines()
    shared.uninstall("afterturn")
    left = [shared.site_packages / name / "__init__.py" for name in ("tasks", "worker")]
    assert [path.read_text() for path in left] == [FOREIGN] * 2
    assert not list(shared.site_packages.glob("afterturn*")) and not (shared.site_packages / "api_shim").exists()


@contextlib.contextmanager
def up(environment: Environment, directory: Path) -> Iterator[dict[str, str]]:
    """Run `afterturn up`; yield the variables by which clients find it; end it with Ctrl-C."""
    output = directory / "output"
    arguments = ["up", "--data-dir", str(directory / "data"), "--api-port", "0", "--flower-port", "0"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [str(environment.directory / "bin" / "afterturn"), *arguments],
            cwd=directory,
            env=environment.variables,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C stops everything" not in output.read_text():
            assert time.monotonic() < deadline and process.poll() is None, output.read_text()
            time.sleep(0.1)
        lines = (directory / "data" / "environment").read_text().splitlines()
        yield dict(line.removeprefix("export ").replace("'", "").split("=", 1) for line in lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, output.read_text()
    finally:
        process.kill()


MODULES = """
import collections, json, sys
import api_shim.cli.app
from afterturn.worker.app import app
app.loader.import_default_modules()
assert "afterturn.archive" in app.tasks
names = collections.defaultdict(list)
for name, module in sys.modules.items():
    names[getattr(module, "__file__", None)].append(name)
print(json.dumps([names for file, names in names.items() if file and file.startswith(sys.argv[1])]))
"""


def test_no_module_of_ours_is_loaded_under_two_names() -> None:
    """In a checkout, whose rooms can be imported under their folders' names as well."""
    command = [sys.executable, "-c", MODULES, str(ROOT)]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    loaded = [names for names in json.loads(shown) if names[0].startswith(("afterturn", "api_shim", "tasks", "worker"))]
    assert ["afterturn.tasks.archive"] in loaded
    assert [names for names in loaded if len(names) > 1] == []
