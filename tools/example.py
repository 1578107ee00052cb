"""Run an example on servers of its own: `make example NAME=chatbot`.

An example is a program `examples/NAME.py` or a script `examples/NAME.sh`. Its docstring (in a script the comment at the
top) begins with a line that says what it shows, and ends with "It prints::" and the indented output, in which `...`
stands for anything. A test runs each example and compares.

An example reads nothing of this module. It finds its servers as every program does that uses afterturn, and its own
model as every program does that uses OpenAI's SDK: OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL. API_URL is the
address of afterturn's HTTP API. Nothing is stored when it starts, and everything is removed when it ends.

Without AFTERTURN_LLM_BASE_URL and AFTERTURN_LLM_API_KEY, a scripted model (tools/example_model.py) answers.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from afterturn import settings as settings_module
from afterturn.errors import AfterturnError
from afterturn.local import environment
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim.cli.demo.environment import OWN, signals_interrupt
from api_shim.cli.processes import COMMANDS
from harness.llm_server import LLMServer
from tools import example_model

ROOT = Path(__file__).parents[1]
#: Short times, so that an example does not wait for its memories.
QUICK = {"batch_idle_seconds": 0.2, "sweep_seconds": 0.25}
EXIT_USAGE = 2
#: The shell's exit code of a command that Ctrl-C ended.
EXIT_INTERRUPTED = 130
#: How long an example may take to end after Ctrl-C.
STOP_SECONDS = 5
#: The line before the output in the text of an example.
PRINTS = "It prints::"


def find_examples() -> dict[str, Path]:
    """Return the examples: name -> file."""
    files = [*(ROOT / "examples").glob("*.py"), *(ROOT / "examples").glob("*.sh")]
    return {path.stem: path for path in sorted(files)}


def read_text(path: Path) -> str:
    """Return what an example says of itself: the docstring, or the comment at the top of a script."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return ast.get_docstring(ast.parse(source)) or ""
    lines = source.splitlines()[1:]
    comment = [line[1:].removeprefix(" ") for line in lines[: next(_first_code(lines), len(lines))]]
    return "\n".join(comment)


def _first_code(lines: list[str]) -> Iterator[int]:
    return (number for number, line in enumerate(lines) if not line.startswith("#"))


@contextlib.contextmanager
def open_stack(directory: Path) -> Iterator[tuple[Stack, dict[str, str]]]:
    """Run servers, workers, the HTTP API and a model in a directory; yield the stack and the example's environment.

    Raises AfterturnError if a part cannot be started.
    """
    given = settings_module.load_without_servers().model_dump(exclude_unset=True)
    kept = {name: value for name, value in given.items() if name not in OWN}
    with contextlib.ExitStack() as running:
        if not kept.keys() & {"llm_base_url", "llm_api_key"}:
            server = running.enter_context(LLMServer(answer=example_model.answer))
            kept |= {"llm_base_url": server.base_url, "llm_model": "scripted", "llm_api_key": "none"}
        stack = Stack(
            Settings(**QUICK | kept | {"api_port": 0, "flower_port": 0}),
            data_dir=directory,
            commands=COMMANDS,
            names=("fast worker", "slow worker", "api", "beat"),
            durable=False,
        )
        try:
            with stack:
                yield stack, _environment_of(stack)
        except KeyboardInterrupt:
            stack.kill()  # A second Ctrl-C may have interrupted the stop.
            raise


def _environment_of(stack: Stack) -> dict[str, str]:
    settings = stack.settings
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else "none"
    model = {"OPENAI_API_KEY": key, "OPENAI_MODEL": settings.llm_model, "API_URL": stack.address("api")}
    if settings.llm_base_url:
        model["OPENAI_BASE_URL"] = settings.llm_base_url
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return environment.child_environment(settings) | model | {"PATH": programs}


def start(path: Path, variables: Mapping[str, str], *, is_captured: bool = False) -> subprocess.Popen[str]:
    """Start an example. Its output can be read from the process if it `is_captured`."""
    interpreter = sys.executable if path.suffix == ".py" else "bash"
    pipe = subprocess.PIPE if is_captured else None
    return subprocess.Popen(
        [interpreter, str(path)], env=dict(variables), cwd=ROOT, text=True, stdout=pipe, stderr=pipe
    )


def run(path: Path) -> int:
    """Run an example, print what it prints, and return its exit code."""
    try:
        with (
            signals_interrupt(),
            tempfile.TemporaryDirectory(prefix="afterturn-example-", ignore_cleanup_errors=True) as directory,
            open_stack(Path(directory)) as (_, variables),
        ):
            process = start(path, variables)
            try:
                return process.wait()
            finally:
                _end(process)
    except AfterturnError as error:
        print(f"error [{error.code}]: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _end(process: subprocess.Popen[str]) -> None:
    """End an example that is still running, as after Ctrl-C."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def main() -> int:
    """Run the example that the command line names, or list all."""
    parser = argparse.ArgumentParser(prog="make example", description="Run an example on servers of its own.")
    parser.add_argument("name", nargs="?", default="")
    name = parser.parse_args().name
    found = find_examples()
    if path := found.get(name):
        return run(path)
    print(f"There is no example {name}." if name else "Name an example: make example NAME=chatbot", file=sys.stderr)
    width = max(map(len, found), default=0)
    for known, path in found.items():
        print(f"  {known:<{width}}  {read_text(path).partition(chr(10))[0]}", file=sys.stderr)
    return EXIT_USAGE


if __name__ == "__main__":
    raise SystemExit(main())
