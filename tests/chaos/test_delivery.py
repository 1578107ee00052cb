"""Messages are only hints: lost, multiplied, reordered and doubled ones change nothing."""

from __future__ import annotations

import pytest

from harness.chaos import delivery
from harness.chaos.image import Image
from harness.chaos.lane import Lane

FEW = ("five_times", "broker_flushed")


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(run, id=run.__name__, marks=[] if run.__name__ in FEW else pytest.mark.chaos)
        for run in delivery.TRIALS
    ],
)
def test_delivery(lane: Lane, expected: Image, run) -> None:
    outcome = run(lane, expected)
    assert outcome.is_clean, outcome
    assert outcome.injected > 0
