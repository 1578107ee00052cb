"""Every example runs, and prints what it says. One that is added to the folder is found here.

How an example is written is said in tools/example.py. All run on one stack, each Python program in a tenant of its own.
"""

from __future__ import annotations

import ast
import doctest
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn.settings import PREFIX
from tools import example

pytestmark = pytest.mark.slow

EXAMPLES = example.find_examples()
SECONDS = 120
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of an example, whose servers run; the developer's own model does not answer."""
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patched.delenv(name)
        patched.setenv(f"{PREFIX}DATA_DIR", str(tmp_path_factory.mktemp("no-up")))
        with example.open_stack(tmp_path_factory.mktemp("examples")) as (_, environment):
            yield environment


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_what_it_says(name: str, variables: dict[str, str]) -> None:
    path = EXAMPLES[name]
    if missing := missing_for(path):
        pytest.skip(f"{missing} is not installed")
    own = {f"{PREFIX}TENANT": name} if path.suffix == ".py" else {}
    process = example.start(path, variables | own, is_captured=True)
    try:
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    if process.returncode and (lacking := re.search(r"MissingExtra: (.*)", errors)):
        pytest.skip(lacking[1])
    assert process.returncode == 0, f"{output}\n{errors}"
    wanted = doctest.Example("", expected_output(path))
    checker = doctest.OutputChecker()
    assert checker.check_output(wanted.want, output, _FLAGS), checker.output_difference(wanted, output, _FLAGS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_says_what_it_shows_and_prints(name: str) -> None:
    first, _, rest = example.read_text(EXAMPLES[name]).partition("\n")
    assert first.endswith(".")
    assert example.PRINTS in rest
    assert expected_output(EXAMPLES[name]).strip().replace("...", "")


def missing_for(path: Path) -> str:
    """Return the first package that the example imports and that is not installed, or curl; empty if there is none."""
    if path.suffix == ".sh":
        return next((program for program in ("curl", "bash") if shutil.which(program) is None), "")
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    return next((name for name in sorted(imported) if importlib.util.find_spec(name) is None), "")


def expected_output(path: Path) -> str:
    """Return the indented block after "It prints::"."""
    after = example.read_text(path).partition(example.PRINTS)[2].strip("\n")
    block = re.match(r"(?: {4}.*\n?|\n)*", after)
    assert block
    return textwrap.dedent(block[0]).strip("\n") + "\n"


@pytest.mark.parametrize("arguments", [["NAME="], ["NAME=no_such_example"]])
def test_a_wrong_name_lists_the_examples(arguments: list[str]) -> None:
    ended = subprocess.run(
        ["make", "example", *arguments], cwd=example.ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 2
    assert all(re.search(rf"(?m)^  {name} +\w", ended.stderr) for name in EXAMPLES)
    assert "Traceback" not in ended.stderr


def test_an_example_runs_on_servers_of_its_own_and_leaves_nothing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tools.example", "chatbot"],
        cwd=example.ROOT,
        env=environment_of(tmp_path),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Ana lives in Lisbon." in ended.stdout
    assert processes_with(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_to_all", [True, False], ids=["as the terminal does", "to the runner alone"])
def test_ctrl_c_ends_everything(tmp_path: Path, is_to_all: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tools.example", "chatbot"],
        cwd=example.ROOT,
        env=environment_of(tmp_path) | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as runner:
        assert runner.stdout is not None
        assert "Ana" in runner.stdout.readline()  # The example runs.
        assert processes_with(tmp_path)
        if is_to_all:
            os.killpg(runner.pid, signal.SIGINT)
        else:
            runner.send_signal(signal.SIGINT)
        assert runner.wait(60) == example.EXIT_INTERRUPTED
    deadline = time.monotonic() + 60
    while processes_with(tmp_path):
        assert time.monotonic() < deadline, processes_with(tmp_path)
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


def environment_of(directory: Path) -> dict[str, str]:
    """Return an environment without settings, whose temporary files are in a directory. All children inherit it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return kept | {"TMPDIR": str(directory)}


def processes_with(directory: Path) -> list[str]:
    """Return the command lines of the processes whose TMPDIR is a directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={directory}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
