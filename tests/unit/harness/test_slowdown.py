"""What others on the machine add to the time that work takes."""

import os
import subprocess
import sys
import time

import pytest

from harness.slowdown import Slowdown

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no choice of processors here")


@pytest.fixture
def one_processor():
    """This test, and what it starts, share one processor."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def measured(seconds):
    slowdown = Slowdown()
    slowdown.start()
    time.sleep(seconds)
    return slowdown.stop()


@needs_affinity
def test_work_takes_longer_beside_other_work(one_processor):
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            assert measured(0.8) > 1.3
        finally:
            other.kill()


def test_it_is_never_less_than_one():
    assert measured(0.0) >= 1.0
