"""The bench of fairness with few turns: the backlog goes on, and so does a quiet user beside it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def measure(*options):
    command = [sys.executable, "-m", "bench.fairness", "--json", *options]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True).stdout
    return json.loads(printed)


@pytest.mark.slow
def test_a_quiet_user_beside_a_backlog():
    figures = measure("--only", "noisy", "--turns", "2400", "--probes", "1", "--llm-latency", "0.5")
    # In a plain queue the quiet user would wait for the backlog: 80 batches.
    assert figures["noisy_batches_per_s"] * figures["quiet_beside_noisy_s"] < 60
    assert figures["noisy_batches_per_s"] > 0


@pytest.mark.slow
def test_one_users_backlog():
    figures = measure("--only", "one_user", "--one-user-turns", "300")
    assert figures["applied_batches_per_s_one_user"] > 0
    assert figures["cpu_ms_per_batch"] > 0
