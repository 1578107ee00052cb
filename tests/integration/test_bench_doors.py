"""The bench of the adapters runs, small, and prints what it promises."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_prints_one_json_object_with_all_figures_of_a_part():
    command = [sys.executable, "-m", "bench.doors", "--only", "session", "--samples", "10", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=True).stdout
    figures = json.loads(printed)
    for call in ("write", "read_short", "read_long", "read_pending", "pop"):
        for store in ("afterturn", "sqlite", "redis"):
            assert figures[f"session_{call}_{store}_p50_us"] > 0
        assert figures[f"session_{call}_vs_sqlite"] > 0 and figures[f"session_{call}_vs_redis"] > 0
