"""What `afterturn worker`, `beat`, `flower` and `celery` ask of Celery."""

import os
import socket

import pytest

from afterturn.worker import commands
from tests.command_line import CommandLine


@pytest.fixture
def asked(monkeypatch, capsys):
    """Run a command; return the Celery command line that it comes to."""
    command = CommandLine(monkeypatch, capsys)
    lines = []
    monkeypatch.setattr(commands, "_run_celery", lambda *arguments: lines.append(" ".join(arguments)))

    def run(*arguments):
        lines.clear()
        ended = command(*arguments)
        assert ended.code == 0, ended
        [line] = lines
        return line

    return run


def test_the_fast_pool_runs_processes(asked):
    assert asked("worker", "fast") == (
        "worker -n fast@%h -Q sweep,archive,consolidate -c 2 --pool prefork"
        " --without-gossip --without-mingle -E -l info"
    )


def test_the_slow_pool_runs_threads(asked):
    assert asked("worker", "slow", "--concurrency", "3", "--node", "slow-2@%h", "--log-level", "warning") == (
        "worker -n slow-2@%h -Q extract,embed,judge,summarize,sleep,index,vectors,cold,merge,erase -c 3 --pool threads"
        " --without-gossip --without-mingle -E -l warning"
    )


def test_the_settings_say_how_many_tasks_run_at_a_time(asked, monkeypatch):
    monkeypatch.setenv("AFTERTURN_FAST_CONCURRENCY", "5")
    assert " -c 5 " in asked("worker", "fast")


def test_beat_notes_its_schedule_where_the_data_are(asked, monkeypatch, tmp_path):
    monkeypatch.setenv("AFTERTURN_DATA_DIR", str(tmp_path / "data"))
    assert asked("beat") == f"beat -l info --schedule {tmp_path}/data/beat-schedule"
    assert (tmp_path / "data").is_dir()
    assert asked("beat", "--schedule", "/tmp/schedule") == "beat -l info --schedule /tmp/schedule"


def test_flower_gets_its_login_by_the_environment(asked, monkeypatch):
    monkeypatch.setenv("AFTERTURN_FLOWER_BASIC_AUTH", "ana:s3cret")
    monkeypatch.setenv("FLOWER_BASIC_AUTH", "")
    assert asked("flower", "--host", "0.0.0.0", "--port", "7000") == (
        "flower --address=0.0.0.0 --port=7000 --persistent=False"
    )
    assert os.environ["FLOWER_BASIC_AUTH"] == "ana:s3cret"


def test_flower_is_not_open_to_others_without_a_login(monkeypatch, capsys):
    ended = CommandLine(monkeypatch, capsys)("flower", "--host", "0.0.0.0")
    assert ended.code == 2
    assert ended.error.startswith("error [settings_error]: AFTERTURN_FLOWER_BASIC_AUTH")


def test_any_other_command_of_celery_s_goes_through_as_it_is(asked):
    node = f"fast@{socket.gethostname()}"
    assert asked("celery", "inspect", "ping", "--timeout", "10", "-d", node) == f"inspect ping --timeout 10 -d {node}"
    assert asked("celery") == "--help"
