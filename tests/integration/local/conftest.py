"""Every test here starts servers of its own below tmp_path, and must leave none behind."""

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
    """A lock that is taken is refused at once: nobody is just ending in these tests."""
    monkeypatch.setattr("afterturn.local.process.LOCK_SECONDS", 0.0)
