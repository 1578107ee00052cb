"""`afterturn demo`, as a person runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from tests.integration.local import left_over

DEMO = [sys.executable, "-m", "api_shim.cli.main", "demo"]
LIMIT_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(tmp_path):
    """As on a machine without settings; temporary directories are below this test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
    return kept | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}


def run(*arguments, environment):
    return subprocess.run(
        [*DEMO, *arguments], env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def test_the_demo_shows_the_whole_way_and_leaves_nothing_behind(environment, tmp_path):
    # Servers that the environment names belong to somebody else.
    foreign = {"AFTERTURN_REDIS_URL": "redis://127.0.0.1:1/0", "AFTERTURN_POSTGRES_URL": "postgresql://127.0.0.1:1/no"}
    done = run(environment=environment | foreign)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "No LLM is configured: facts come from offline rules, which find less than a model." in lines
    assert "● Inês lives in Lisbon now, since August 2025." in lines
    assert "“I live in Lisbon now, since last month.” Inês, 23 Sep 2025" in lines
    assert "before: Inês lives in Porto." in lines
    assert "● Tom lives in Leeds." in lines
    assert "before: Inês's favourite drink is black coffee." in lines
    assert "Session summaries" in lines
    assert "Turns      54 written, 54 in Postgres: 0 lost, 0 doubled, in order" in lines
    assert "Cost       0 LLM calls, 0 tokens: offline rules" in lines
    assert any(
        re.fullmatch(r"Flower +was at http://127\.0\.0\.1:\d+, and saw \d+ tasks succeed, 0 fail", x) for x in lines
    )
    assert "nothing is left behind" in lines[-1]
    assert left_over.wait_until_none(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_conversation_of_a_locomo_file_is_replayed_and_scored(environment, tmp_path):
    turns = [
        {"speaker": "Mara", "dia_id": "D1:1", "text": "I adopted a greyhound."},
        {"speaker": "Otto", "dia_id": "D1:2", "text": "Congratulations!", "blip_caption": "a photo of a cake"},
    ]
    questions = [
        {"question": "Which dog did Mara adopt?", "answer": "A greyhound", "evidence": ["D1:1"], "category": 4},
        {"question": "Which photo?", "answer": "A cake", "evidence": ["D1:2; D9:9"], "category": 1},
    ]
    held = {"session_1_date_time": "1:56 pm on 8 May, 2023", "session_1": turns}
    file = tmp_path / "locomo.json"
    file.write_text(json.dumps([{"sample_id": "conv-1", "conversation": held, "qa": questions}]))
    done = run("--no-flower", "--locomo", str(file), "--conversation", "conv-1", environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Replaying 2 turns: LoCoMo conv-1, Mara and Otto" in done.stdout
    assert "● Mara adopted a greyhound." in done.stdout
    assert re.search(r"1 multi-hop +100\.0 +of 1 questions", done.stdout)
    assert re.search(r"overall +100\.0 +of 2 questions", done.stdout)
    assert "2 written, 2 in Postgres: 0 lost, 0 doubled, in order" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


def test_what_is_kept_can_be_asked_again(environment, tmp_path):
    kept = tmp_path / "kept"
    for _ in range(2):
        done = run("--no-flower", "--keep", str(kept), "--questions", "1", environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "54 written, 54 in Postgres: 0 lost, 0 doubled, in order" in done.stdout
        assert f"AFTERTURN_TENANT=demo afterturn up --data-dir {kept}" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


def test_an_llm_that_does_not_answer_fails_the_demo_with_the_reason(environment, tmp_path):
    unreachable = {"AFTERTURN_LLM_BASE_URL": "http://127.0.0.1:1/v1", "AFTERTURN_LLM_API_KEY": "none"}
    done = run("--no-flower", "--timeout", "3", environment=environment | unreachable)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "The demo failed: not everything arrived within 3 s. Of 54 turns 54 are archived, 0 extracted" in done.stdout
    assert "the endpoint cannot be reached" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(environment, tmp_path, number):
    # A shell ignores SIGINT for what it starts in the background, and children inherit that: here as from a terminal.
    terminal = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(DEMO, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=terminal) as process:
        assert process.stdout is not None
        while "Replaying" not in process.stdout.readline():
            assert process.poll() is None
        time.sleep(0.2)
        process.send_signal(number)
        rest, _ = process.communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 130, rest
    assert rest.rstrip().endswith("Stopped.")
    assert left_over.wait_until_none(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_a_conversation_without_a_file_is_refused(environment):
    done = run("--conversation", "conv-26", environment=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("error [invalid_input]: --conversation names a conversation of a LoCoMo file")
