"""The bench of recall's latency runs, small, and prints what it promises. How fast it is, no test can tell."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
MILLISECONDS = {
    f"{clients}{filters}p{share}_ms"
    for clients in ("", "concurrent_")
    for filters in ("", "filtered_")
    for share in (50, 95)
}


def test_it_prints_one_json_object_with_all_figures():
    command = [sys.executable, "-m", "bench.recall_latency", "--users", "20", "--facts-per-user", "20"]
    command += ["--big-user", "1000", "--big-questions", "16", "--json"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout
    figures = json.loads(printed)
    for who in ("ordinary", "big"):
        assert all(figures[who][name] > 0 for name in MILLISECONDS)
        assert figures[who]["recall_vs_exact"] == 1.0
        assert figures[who]["filtered_short"] == 0
    assert figures["bytes"]["vectors_table"] > 0
