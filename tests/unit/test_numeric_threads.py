"""Matrix products of our processes use one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from afterturn import numeric_threads

#: The number of threads of a process that has multiplied two large matrices.
MULTIPLY = """
import sys
from afterturn import numeric_threads
if "limit" in sys.argv:
    numeric_threads.limit()
assert "numpy" not in sys.modules
import numpy as np
large = np.ones((600, 600), dtype=np.float32)
large @ large
import os
print(len(os.listdir("/proc/self/task")))
"""


def threads(*arguments: str, **environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if name not in numeric_threads.VARIABLES}
    ended = subprocess.run(
        [sys.executable, "-c", MULTIPLY, *arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return int(ended.stdout)


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir() or len(os.sched_getaffinity(0)) < 2,
    reason="threads are counted in /proc, on a machine with several processors",
)
def test_a_product_uses_one_thread_unless_the_environment_says_otherwise() -> None:
    if threads() == 1:
        pytest.skip("numpy computes with one thread here")
    assert threads("limit") == 1
    assert threads("limit", OPENBLAS_NUM_THREADS="2", MKL_NUM_THREADS="2", BLIS_NUM_THREADS="2") > 1


@pytest.mark.parametrize("command", ["worker", "api"])
def test_commands_limit_the_threads_before_numpy_is_there(command: str) -> None:
    code = f"""
import sys
from afterturn import numeric_threads
def stop():
    print("numpy" in sys.modules)
    raise SystemExit(0)
numeric_threads.limit = stop
sys.argv[1:] = {[command, *(["fast"] if command == "worker" else [])]!r}
from api_shim.cli import main
main.main()
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "False\n"), ended
