"""The command line finds its own commands and the commands that installed packages register."""

from importlib.metadata import entry_points

import pytest

from api_shim.cli.app import GROUP, list_entry_points
from tests.command_line import CommandLine


@pytest.fixture
def command(monkeypatch, capsys):
    return CommandLine(monkeypatch, capsys)


@pytest.mark.parametrize("name", list_entry_points())
def test_each_command_has_a_help_text(command, name):
    ended = command(name, "--help")
    assert ended.code == 0, ended
    assert f"afterturn {name}" in ended.out


def test_the_engine_has_registered_its_commands():
    assert {found.name for found in entry_points(group=GROUP)} == {"worker", "beat", "flower", "celery"}
    assert list_entry_points().keys() >= {"worker", "beat", "flower", "celery", "up", "status"}


def test_a_mistyped_command_is_answered_with_the_similar_one(command):
    ended = command("staus")
    assert ended.code == 2
    assert "Did you mean 'status'" in ended.error


def test_the_version(command):
    assert command("--version").out.startswith("afterturn ")
