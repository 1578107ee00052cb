"""Real worker processes on the run's servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS

WORKERS = ("fast worker", "slow worker", "beat")


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Stack]:
    """The fast worker, the slow worker and beat, as `afterturn up` starts them."""
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS) as stack:
        yield stack
