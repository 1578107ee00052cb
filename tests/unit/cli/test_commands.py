"""The command line finds its commands by their names, its own and those that packages have registered."""

from importlib.metadata import entry_points

import pytest

from api_shim.cli.app import GROUP, registered
from tests.command_line import CommandLine


@pytest.fixture
def command(monkeypatch, capsys):
    return CommandLine(monkeypatch, capsys)


@pytest.mark.parametrize("name", registered())
def test_each_command_explains_itself(command, name):
    ended = command(name, "--help")
    assert ended.code == 0, ended
    assert f"afterturn {name}" in ended.out


def test_the_engine_has_registered_its_commands():
    assert {found.name for found in entry_points(group=GROUP)} == {"worker", "beat", "flower", "celery"}
    assert registered().keys() >= {"worker", "beat", "flower", "celery", "up", "status"}


def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(command):
    ended = command("staus")
    assert ended.code == 2
    assert "Did you mean 'status'" in ended.error


def test_the_version(command):
    assert command("--version").out.startswith("afterturn ")
