"""Nobody archives: first an alarm, then a stable error, and nothing that was acknowledged is dropped."""

from __future__ import annotations

import logging

import pytest

from afterturn.errors import MemoryUnavailable, PendingLimitReached
from api_shim import MemoryClient
from harness.pipeline import Pipeline

LIMIT_BYTES = 65_536
TEXT = "x" * 2_000


def test_the_alarm_comes_before_the_error_and_what_was_acknowledged_stays(settings, database, hot_store, caplog):
    ours = type(settings)(
        **settings.model_dump(exclude_unset=True) | {"pending_limit_bytes_per_shard": LIMIT_BYTES, "recent_turns": 0}
    )
    memory = MemoryClient("ana", settings=ours)
    acknowledged = []
    alarmed_at = None
    with caplog.at_level(logging.WARNING, logger="afterturn.client"), pytest.raises(PendingLimitReached) as refused:
        while True:
            acknowledged.append(memory.write("user", TEXT))
            if alarmed_at is None and "wait for the archive" in caplog.text:
                alarmed_at = len(acknowledged)
    assert isinstance(refused.value, MemoryUnavailable)
    assert refused.value.code == "pending_limit_reached"
    assert alarmed_at is not None and alarmed_at < len(acknowledged) * 0.6
    assert len(acknowledged) * len(TEXT) > LIMIT_BYTES * 0.8

    # It is the same error each time, all or none of several turns are taken, and other shards do not notice.
    for _ in range(3):
        with pytest.raises(PendingLimitReached):
            memory.write_many([{"role": "user", "content": TEXT}] * 3)
    MemoryClient("ben", settings=ours).write("user", TEXT)

    with Pipeline(ours) as pipeline:
        pipeline.settle()
    rows = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana' ORDER BY position").fetchall()
    assert [row[0] for row in rows] == acknowledged
    memory.write("user", TEXT)
