"""The consumer is woken when a thread has finished, and only after the message was acknowledged."""

import fcntl
import select
import threading
from types import SimpleNamespace

import pytest
from celery.concurrency.thread import TaskPool

from afterturn.worker.wake import WakeConsumer


class Hub:
    """Remembers who listens to what."""

    def __init__(self):
        self.readers = {}

    def add_reader(self, readable, callback, *arguments):
        self.readers[readable] = callback


@pytest.fixture
def pool():
    pool = TaskPool(limit=2)
    yield pool
    pool.executor.shutdown()


def started(pool):
    worker = SimpleNamespace(pool=pool, use_eventloop=True, steps=[])
    step = WakeConsumer(worker)
    step.start(worker)
    hub = Hub()
    step.register_with_event_loop(worker, hub)
    return hub


def is_readable(readable, seconds=5.0):
    return bool(select.select([readable], [], [], seconds)[0])


def test_a_finished_task_wakes_the_consumer_after_its_acknowledgement(pool):
    [(readable, drain)] = started(pool).readers.items()
    go, acknowledged = threading.Event(), threading.Event()

    def acknowledge(_):
        assert not is_readable(readable, seconds=0.05), (
            "woken too early, it would find its prefetch limit still reached"
        )
        acknowledged.set()

    pool.on_apply(lambda: go.wait(5), (), {}, callback=acknowledge, accept_callback=None)
    assert not is_readable(readable, seconds=0.05)
    go.set()
    assert is_readable(readable)
    assert acknowledged.is_set()
    drain()
    assert not is_readable(readable, seconds=0.0)


def test_a_full_pipe_holds_up_no_thread(pool):
    [(readable, _)] = started(pool).readers.items()
    # A pipe of one page where the system lets us choose, else what it holds by default.
    size = fcntl.fcntl(readable, fcntl.F_SETPIPE_SZ, 4_096) if hasattr(fcntl, "F_SETPIPE_SZ") else 65_536
    results = [pool.on_apply(int, (), {}, callback=None, accept_callback=None) for _ in range(size + 1_000)]
    results[-1].wait(timeout=60)
    assert is_readable(readable)


def test_other_pools_are_left_alone():
    assert started(SimpleNamespace(on_apply=None)).readers == {}
