"""The bench of many users, with few of them: nothing is lost, doubled or handed out more often than needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("users", [500, pytest.param(2_000, marks=pytest.mark.chaos)])
def test_a_backlog_of_many_users_takes_few_messages_and_loses_nothing(users):
    command = [sys.executable, "-m", "bench.many_users", "--json", "--users", str(users), "--seconds-after", "40"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=True).stdout
    figures = json.loads(printed)
    assert (figures["lost"], figures["doubled"]) == (0, 0)
    assert 0 < figures["messages_per_batch"] <= 8
    assert figures["archived_per_s"] > 0
    assert figures["archived_per_s_last_tenth"] > 0
    # One message for each 20 users, and one for each new user, are enough. A slow machine repeats some.
    assert figures["applied_batches"] > 0
    assert figures["users"] == users
