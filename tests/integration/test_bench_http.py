"""The bench of the HTTP API runs, small, and prints what it promises."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_prints_one_json_object_with_all_figures():
    command = [sys.executable, "-m", "bench.http", "--seconds", "0.5", "--large-requests", "20", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=True).stdout
    figures = json.loads(printed)
    for call in ("write", "recall"):
        for clients in (1, 32):
            assert 0 < figures[f"{call}_{clients}_p50_ms"] <= figures[f"{call}_{clients}_p95_ms"]
            assert figures[f"{call}_{clients}_per_s"] > 1
            assert figures[f"{call}_{clients}_error_share"] == 0
    assert figures["large_error_share"] == 0
    assert figures["memory_before_mb"] > 20 and figures["memory_growth_mb"] < 500
