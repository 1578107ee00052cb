"""Every stage has one pool that works on it."""

from afterturn.pipeline.enqueue import STAGES
from afterturn.worker.pools import POOLS


def test_each_stage_belongs_to_exactly_one_pool():
    assert sorted(queue for pool in POOLS.values() for queue in pool.queues) == sorted(STAGES)
