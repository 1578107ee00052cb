"""The hot path's bench runs, and prints what it promises. How fast it is, no test can tell."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FIGURES = {
    "rpush_p50_us",
    "write_p50_us",
    "write_p99_us",
    "added_us",
    "ratio_p50",
    "script_ratio_p50",
    "celery_delay_p50_us",
    "ratio_turn_10000",
    "concurrent_writes_per_s",
    "pipelined_writes_per_s",
    "redis_bytes_per_pending_turn",
}


def test_it_prints_one_json_object_with_all_figures():
    command = [sys.executable, "-m", "bench.hot_path", "--json", "--samples", "200"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True).stdout
    figures = json.loads(printed)
    assert figures.keys() >= FIGURES
    assert all(figures[name] > 0 for name in FIGURES)
    assert figures["turn_characters"] == 200
    assert figures["redis_bytes_per_pending_turn"] > figures["payload_bytes"] > 200
