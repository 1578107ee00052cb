"""Other processes that use the memory, on the servers of the test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from afterturn.settings import Settings


@pytest.fixture
def start_agent() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that runs some code with the servers of given settings. It is killed at the end of the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, settings: Settings, *arguments: str) -> subprocess.Popen[str]:
        postgres_url = settings.postgres_url.get_secret_value()
        variables = {"AFTERTURN_REDIS_URL": settings.redis_url, "AFTERTURN_POSTGRES_URL": postgres_url}
        # Many agents share the machine's processors with other tests.
        variables["AFTERTURN_REDIS_TIMEOUT_SECONDS"] = "20"
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
