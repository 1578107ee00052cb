"""Freshness: the figures that are made of the turns' delays."""

import pytest

from bench import freshness
from bench.freshness import FactDelay


def test_the_figures_of_a_hundred_ways():
    delays = [
        FactDelay(seconds=number, after_cut_seconds=number / 10, cut_by="size" if number <= 70 else "idle")
        for number in range(1, 100)
    ]
    delays.append(FactDelay(seconds=300.0, after_cut_seconds=10.0, cut_by="age"))
    figures = freshness.figures_of(delays)
    assert figures["freshness_p50_s"] == 50.5
    assert figures["freshness_p95_s"] == 95
    assert figures["after_cut_p50_s"] == pytest.approx(5.05)
    assert figures["after_cut_p95_s"] == pytest.approx(9.5)
    assert figures["share_cut_by_idle"] == pytest.approx(0.29)
    assert figures["share_cut_by_age"] == pytest.approx(0.01)


def test_without_any_fact_there_are_no_figures():
    assert freshness.figures_of([]) == {"freshness_p50_s": None, "freshness_p95_s": None}
