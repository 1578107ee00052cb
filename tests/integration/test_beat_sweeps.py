"""Beat sweeps by itself: work is handed out while every worker is busy or away, and no queue grows meanwhile."""

import os
import signal
import time

import pytest

from afterturn.local.stack import Stack
from afterturn.pipeline.enqueue import STAGES, Enqueue
from afterturn.pipeline.hand_out import SHORT_ARCHIVE_QUEUE, SHORT_QUEUE
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness import idle_sessions
from harness.waiting import wait_until
from tests.integration.conftest import WORKERS


@pytest.fixture
def enqueue(settings):
    opened = Enqueue(settings.celery_broker_url)
    yield opened
    opened.close()


@pytest.mark.slow
def test_without_workers_the_queues_are_filled_and_do_not_grow(settings, database, hot_store, enqueue, tmp_path):
    idle_sessions.fill(settings.postgres_url.get_secret_value(), 300)
    database.execute("UPDATE users SET slept_version = version")
    database.execute("UPDATE batches SET state = 'pending', embedded_at = NULL, hinted_at = NULL")
    for number in range(500):
        MemoryClient(f"new-{number}", settings=settings).write("user", "hello")
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=("beat",)):
        wait_until(lambda: enqueue.read_lengths(("extract",))["extract"] >= SHORT_QUEUE, seconds=60)
        time.sleep(3)
        lengths = enqueue.read_lengths(STAGES)
    assert SHORT_ARCHIVE_QUEUE <= lengths["archive"] <= 2 * SHORT_ARCHIVE_QUEUE
    assert lengths["extract"] == SHORT_QUEUE
    assert lengths["sweep"] <= 1, "reconcile, perhaps"


@pytest.mark.slow
def test_it_sweeps_while_all_processes_of_the_fast_worker_stand(settings, hot_store, enqueue, tmp_path):
    """They stop for good. What is written afterwards is handed out all the same, for other workers to take."""
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS) as stack:
        MemoryClient("ana", settings=settings).write("user", "I live in Porto.")
        [fast] = [service.process for service in stack.services if service.name == "fast worker"]
        os.killpg(fast.pid, signal.SIGSTOP)
        try:
            for number in range(100):
                MemoryClient(f"new-{number}", settings=settings).write("user", "hello")
            wait_until(lambda: enqueue.read_lengths(("archive",))["archive"] >= 3, seconds=60)
        finally:
            os.killpg(fast.pid, signal.SIGCONT)
        wait_until(lambda: not any(hot_store.keys("at:*:pending:*")), seconds=60)


@pytest.mark.slow
def test_beat_stops_at_once_and_goes_on_after_a_failed_sweep(settings, database, hot_store, enqueue, tmp_path):
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=("beat",)) as stack:
        [beat] = [service.process for service in stack.services]
        key = "at:{0}:due"
        hot_store.set(key, "not an index")
        wait_until(lambda: beat.log_contains("the sweep fails"), seconds=60)
        hot_store.delete(key)
        wait_until(lambda: beat.log_contains("the sweep works again"), seconds=60)
        MemoryClient("ana", settings=settings).write("user", "hello")
        wait_until(lambda: enqueue.read_lengths(("archive",))["archive"] == 1, seconds=60)
        # After the time of grace it would be killed.
        beat.stop()
        assert beat.exit_code == 0
        assert not beat.log_contains("Traceback")
