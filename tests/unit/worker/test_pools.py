"""Every stage has one pool that works on it."""

from afterturn.pipeline.enqueue import STAGES
from afterturn.worker.app import app
from afterturn.worker.pools import POOLS


def test_each_stage_belongs_to_exactly_one_pool():
    assert sorted(queue for pool in POOLS.values() for queue in pool.queues) == sorted(STAGES)


def test_no_message_of_beat_expires():
    """An expiry is a time of beat's clock, which a worker's clock would be compared with."""
    assert [name for name, entry in app.conf.beat_schedule.items() if "expires" in entry["options"]] == []
