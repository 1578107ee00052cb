"""bench.locomo_demo: a conversation in the form of LoCoMo goes through the demo's stack and is scored."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.local import left_over

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_a_conversation_is_replayed_and_scored(bare_environment, tmp_path):
    turns = [
        {"speaker": "Mara", "dia_id": "D1:1", "text": "I adopted a greyhound."},
        {"speaker": "Otto", "dia_id": "D1:2", "text": "Congratulations!", "blip_caption": "a photo of a cake"},
    ]
    questions = [
        {"question": "Which dog did Mara adopt?", "answer": "A greyhound", "evidence": ["D1:1"], "category": 4},
        {"question": "Which photo?", "answer": "A cake", "evidence": ["D1:2; D9:9"], "category": 1},
    ]
    conversation = {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": turns}
    file = tmp_path / "locomo.json"
    file.write_text(json.dumps([{"sample_id": "conv-1", "conversation": conversation, "qa": questions}]))
    done = run("--no-flower", "--data", str(file), "--conversation", "conv-1", environment=bare_environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Replaying 2 turns: LoCoMo conv-1, Mara and Otto" in done.stdout
    assert "● Mara adopted a greyhound." in done.stdout
    assert re.search(r"1 multi-hop +100\.0 +of 1 questions", done.stdout)
    assert re.search(r"overall +100\.0 +of 2 questions", done.stdout)
    assert "2 written, 2 in Postgres: 0 lost, 0 doubled, in order" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


def test_a_file_that_is_not_there_is_refused(bare_environment, tmp_path):
    done = run("--data", str(tmp_path / "missing.json"), environment=bare_environment)
    assert done.returncode == 1
    assert "missing.json" in done.stderr and "Traceback" not in done.stderr


def run(*arguments, environment):
    command = [sys.executable, "-m", "bench.locomo_demo", *arguments]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
