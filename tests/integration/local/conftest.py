"""Every test here starts its own servers below tmp_path; afterwards no process may run there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local import left_over


@pytest.fixture(autouse=True)
def nothing_is_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    assert left_over.wait_until_none(tmp_path) == []


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a lock: in these tests no process is about to end."""
    monkeypatch.setattr("afterturn.local.process.LOCK_SECONDS", 0.0)
