"""A worker's garbage collector leaves alone what was imported, and runs seldom."""

import gc

import pytest

from afterturn.worker import warm_up


@pytest.fixture(autouse=True)
def usual_collector():
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_was_imported_is_frozen_and_later_objects_are_still_collected():
    warm_up._relieve_collector()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] == warm_up.OBJECTS_PER_COLLECTION
    circle = []
    circle.append(circle)
    del circle
    assert gc.collect() >= 1
