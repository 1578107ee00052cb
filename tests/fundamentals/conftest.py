"""Fixtures of the chapters: Ana's client, and functions that write turns and process them."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from api_shim import MemoryClient


@pytest.fixture
def one_day():
    """Costs and budgets belong to a day of UTC: a test of them does not begin just before midnight."""
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if (left := (midnight - now).total_seconds()) < 60:
        time.sleep(left + 1)


@pytest.fixture
def memory(settings):
    """Ana's client, in the session `chat`."""
    return MemoryClient("ana", "chat", "concierge", settings=settings)


@pytest.fixture
def say(memory, pipeline):
    """Return a function that writes a turn of a year, processes it, and returns the turn's id."""

    def said(text, year, session=None):
        written = (session or memory).write("user", text, name="Ana", occurred_at=datetime(year, 1, 1, 12, tzinfo=UTC))
        pipeline.settle()
        return written

    return said


@pytest.fixture
def take_back(memory, pipeline):
    """Return a function that removes turns and processes the removals."""

    def taken_back(*turn_ids):
        for turn_id in turn_ids:
            memory.remove(turn_id)
        pipeline.settle()

    return taken_back
