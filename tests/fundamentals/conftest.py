"""What the chapters share: Ana, who talks to an assistant, and time for it to become memory."""

from datetime import UTC, datetime

import pytest

from api_shim import MemoryClient


@pytest.fixture
def memory(settings):
    """Ana's client, in the session `chat`."""
    return MemoryClient("ana", "chat", "concierge", settings=settings)


@pytest.fixture
def say(memory, pipeline):
    """Say something in a year, and let it become facts. Returns the turn's id."""

    def said(text, year, session=None):
        written = (session or memory).write("user", text, name="Ana", occurred_at=datetime(year, 1, 1, 12, tzinfo=UTC))
        pipeline.settle()
        return written

    return said


@pytest.fixture
def take_back(memory, pipeline):
    """Take turns back, and work until nothing of them is owed."""

    def taken_back(*turn_ids):
        for turn_id in turn_ids:
            memory.remove(turn_id)
        pipeline.settle()

    return taken_back
