"""The server in a separate process, for chaos tests and benches: it does not take time of their interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.llm_server.control import LLMServerControl


class LLMServerProcess:
    """`with LLMServerProcess("--latency", "0.2") as server:` yields the control of a server in a new process."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> LLMServerControl:
        command = [sys.executable, "-m", "harness.llm_server", "--stdin-ends", *self._arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.__exit__()
            raise RuntimeError("the test LLM server did not start")
        return LLMServerControl(json.loads(line)["base_url"])

    def __exit__(self, *_: object) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.communicate(timeout=60)
