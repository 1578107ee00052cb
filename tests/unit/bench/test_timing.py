"""Timing: interleaved rounds, percentiles, ratios."""

import pytest

from bench import timing


def test_each_operation_runs_once_per_round_in_changing_order():
    calls = []
    operations = {name: lambda name=name: calls.append(name) for name in "abc"}
    timings = timing.interleaved(operations, rounds=50, warmup_rounds=10)
    assert {name: len(found) for name, found in timings.items()} == {"a": 50, "b": 50, "c": 50}
    rounds = [tuple(calls[start : start + 3]) for start in range(0, len(calls), 3)]
    assert len(rounds) == 60
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert len(set(rounds)) == 6, "all orders occur"


def test_timings_are_microseconds():
    assert timing.timed(lambda: sum(range(1_000))) > 0
    assert timing.NANOSECONDS_PER_MICROSECOND == 1_000


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.95, 95), (0.99, 99), (1.0, 100)]
)
def test_percentile_is_the_smallest_value_that_enough_values_do_not_exceed(share, expected):
    assert timing.percentile(list(range(100, 0, -1)), share) == expected


def test_percentile_of_few_values():
    assert timing.percentile([], 0.5) == 0.0
    assert timing.percentile([7.0], 0.99) == 7.0
    assert timing.percentile([1.0, 9.0], 0.95) == 9.0


def test_ratio_of_medians():
    assert timing.ratio_of_medians([2.0, 3.0, 100.0], [1.0, 2.0, 3.0]) == 1.5
