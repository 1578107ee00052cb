"""Real worker processes on the run's servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn.local.stack import Stack
from afterturn.settings import Settings

WORKERS = ("fast worker", "slow worker", "beat")


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Stack]:
    """The fast worker, the slow worker and beat, as `afterturn up` starts them."""
    with Stack(settings, data_dir=tmp_path / "stack", names=WORKERS) as stack:
        yield stack


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without settings; its temporary directories are below this test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
    return kept | {"TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
