"""What a reader has before them: a shell, a Python that is started in it, and another terminal for `afterturn up`."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

INTERPRETER = Path(__file__).with_name("interpreter.py")
SNIPPET_SECONDS = 120
UP_SECONDS = 120
UP = re.compile(r"^afterturn up\b[^#\n]*", re.MULTILINE)
CTRL_C = re.compile(r"^# Ctrl-C in the terminal of `afterturn up`$", re.MULTILINE)
#: Where a page says that the API listens; tests give it a free port instead.
API_PORT = "8600"
#: A snippet's variables last until the next one, as in a shell that stays open.
_SHELL = "set -aeuo pipefail; trap 'code=$?; env -0 > \"$AFTER_FILE\"; exit $code' EXIT\n"


class Failed(AssertionError):
    """A snippet did not do what the page says."""


class Up:
    """`afterturn up` in a terminal of its own."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = environment | {"AFTERTURN_API_PORT": "0", "AFTERTURN_FLOWER_PORT": "0"}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def api_port(self) -> str:
        """The port that its HTTP API has taken."""
        found = re.search(r"HTTP API +http://[^:]+:(\d+)", self._log.read_text())
        assert found, self._log.read_text()
        return found[1]

    def start(self, command: str = "afterturn up") -> None:
        """Start it, where it does not run already, and return when everything is ready."""
        if self.is_running:
            return
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                env=self._environment,
                cwd=self._environment["HOME"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + UP_SECONDS
        while "Ctrl-C stops everything" not in self._log.read_text():
            if not self.is_running or time.monotonic() > deadline:
                self.stop()
                raise Failed(f"{command} is not ready:\n{self._log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Press Ctrl-C, and wait until all is stopped."""
        if self.is_running:
            assert self._process is not None
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)


class Terminal:
    """One page's shell and Python. Both share the environment, and `up` is what runs beside them."""

    def __init__(self, up: Up, environment: dict[str, str], state: Path) -> None:
        self.up = up
        self.environment = environment
        self.output = ""
        self._state = state
        self._python: subprocess.Popen[str] | None = None

    def run_shell(self, source: str) -> None:
        """Run a shell snippet. What it says of the other terminal is done there, and before."""
        if CTRL_C.search(source):
            self.up.stop()
        for command in UP.findall(source):
            self.up.start(command)
        source = UP.sub("", source)
        if f"localhost:{API_PORT}" in source:
            source = source.replace(f"localhost:{API_PORT}", f"localhost:{self.up.api_port}")
        done = subprocess.run(
            ["bash", "-c", _SHELL + source],
            env=self.environment | {"AFTER_FILE": str(self._state)},
            cwd=self.environment["PWD"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SNIPPET_SECONDS,
            check=False,
        )
        self.output = done.stdout
        after = (entry.partition("=") for entry in self._state.read_text().split("\0") if entry)
        self.environment = {name: value for name, _, value in after if name != "AFTER_FILE"}
        if done.returncode:
            raise Failed(f"exit code {done.returncode}:\n{done.stdout}")

    def run_python(self, source: str, path: str) -> None:
        """Run a Python snippet, after those before it."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, str(INTERPRETER)],
                env=self.environment,
                cwd=self.environment["PWD"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        answer = self._ask(self._python, {"source": source, "path": path})
        self.output = answer["output"]
        if answer["error"]:
            raise Failed(f"{answer['error']}\nprinted before:\n{self.output}")

    def _ask(self, python: subprocess.Popen[str], snippet: dict[str, str]) -> Any:
        assert python.stdin is not None and python.stdout is not None
        patience = threading.Timer(SNIPPET_SECONDS, python.kill)
        patience.start()
        try:
            print(json.dumps(snippet), file=python.stdin, flush=True)
            line = python.stdout.readline()
        finally:
            patience.cancel()
        if not line:
            raise Failed(f"Python ended, or the snippet took longer than {SNIPPET_SECONDS} s")
        return json.loads(line)

    def close(self) -> None:
        """End Python."""
        if self._python is not None:
            self._python.communicate(timeout=SNIPPET_SECONDS)
