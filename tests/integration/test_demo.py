"""`afterturn demo`, as a person runs it."""

import re
import signal
import subprocess
import sys
import time

import pytest

from tests.integration.local import left_over

DEMO = [sys.executable, "-m", "api_shim.cli.main", "demo"]
LIMIT_SECONDS = 120

pytestmark = pytest.mark.slow


def run(*arguments, environment):
    return subprocess.run(
        [*DEMO, *arguments], env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )


def test_the_demo_shows_every_step_and_leaves_nothing_behind(bare_environment, tmp_path):
    # Servers that the environment names belong to somebody else.
    foreign = {"AFTERTURN_REDIS_URL": "redis://127.0.0.1:1/0", "AFTERTURN_POSTGRES_URL": "postgresql://127.0.0.1:1/no"}
    done = run(environment=bare_environment | foreign)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "No LLM is configured: offline rules extract the facts. They find fewer than a model." in lines
    assert "● Inês lives in Lisbon now, since August 2025." in lines
    assert "“I live in Lisbon now, since last month.” Inês, 23 Sep 2025" in lines
    assert "before: Inês lives in Porto." in lines
    assert "● Tom lives in Leeds." in lines
    assert "before: Inês's favourite drink is black coffee." in lines
    assert "Session summaries" in lines
    assert "Turns      54 written, 54 in Postgres: 0 lost, 0 doubled, in order" in lines
    assert "Cost       0 LLM calls, 0 tokens: offline rules" in lines
    assert any(
        re.fullmatch(r"Flower +was at http://127\.0\.0\.1:\d+; tasks: \d+ succeeded, 0 failed", x) for x in lines
    )
    assert "no data is kept" in lines[-1]
    assert left_over.wait_until_none(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_kept_can_be_asked_again(bare_environment, tmp_path):
    kept = tmp_path / "kept"
    for _ in range(2):
        done = run("--no-flower", "--keep", str(kept), "--questions", "1", environment=bare_environment)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "54 written, 54 in Postgres: 0 lost, 0 doubled, in order" in done.stdout
        assert f"AFTERTURN_TENANT=demo afterturn up --data-dir {kept}" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


def test_an_llm_that_does_not_answer_fails_the_demo_with_the_reason(bare_environment, tmp_path):
    unreachable = {"AFTERTURN_LLM_BASE_URL": "http://127.0.0.1:1/v1", "AFTERTURN_LLM_API_KEY": "none"}
    done = run("--no-flower", "--timeout", "3", environment=bare_environment | unreachable)
    assert done.returncode == 1, done.stdout + done.stderr
    assert (
        "The demo failed: not all turns were processed within 3 s. Of 54 turns 54 are archived, 0 extracted"
        in done.stdout
    )
    assert "the endpoint cannot be reached" in done.stdout
    assert left_over.wait_until_none(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(bare_environment, tmp_path, number):
    with subprocess.Popen(DEMO, env=bare_environment, stdout=subprocess.PIPE, text=True) as process:
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
