"""The command line in this process: what it prints and its exit code."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from afterturn.settings import PREFIX, Settings
from api_shim.cli import main


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    error: str


class CommandLine:
    """Runs commands with the settings of a test in their environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        monkeypatch.setenv("COLUMNS", "200")

    def use(self, settings: Settings) -> None:
        """Put what these settings have of their own into the environment."""
        for name, value in settings.model_dump(exclude_unset=True).items():
            shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
            self._monkeypatch.setenv(PREFIX + name.upper(), str(shown))

    def __call__(self, *arguments: str) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["afterturn", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        captured = self._capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json; return what it printed, after a check of its exit code."""
        ended = self(*arguments, "--json")
        assert ended.code == code, ended
        return json.loads(ended.out)
