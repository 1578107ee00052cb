"""Freshness: the figures that are made of the delays of turns."""

from datetime import UTC, datetime, timedelta

import pytest

from bench import freshness
from bench.freshness import FactDelay

START = datetime(2026, 1, 1, tzinfo=UTC)


def delay(written, searchable, cut_by="idle"):
    return FactDelay(
        written_at=START + timedelta(seconds=written),
        searchable_at=START + timedelta(seconds=searchable),
        after_cut_seconds=1.0,
        cut_by=cut_by,
    )


def test_a_thought_is_as_fresh_as_its_last_fact_counted_from_its_last_turn():
    delays = {"a": delay(0, 20, "size"), "b": delay(10, 20, "size"), "c": delay(19, 26), "d": delay(40, 44)}
    figures = freshness.figures_of({1: ["a", "b", "c"], 2: ["d"]}, delays)
    assert figures["freshness_p50_s"] == pytest.approx((7 + 4) / 2)
    assert figures["freshness_p95_s"] == 7
    assert figures["turn_to_fact_p95_s"] == 20
    assert figures["share_cut_by_idle"] == 0.5
    assert figures["share_cut_by_age"] == 0


def test_a_fact_that_comes_before_the_end_of_its_thought_does_not_wait():
    delays = {"a": delay(0, 5, "size"), "b": delay(10, 12)}
    assert freshness.figures_of({1: ["a", "b"]}, delays)["freshness_p95_s"] == 2


def test_a_thought_with_a_late_early_turn_is_late():
    """Its last turn may be in another batch, whose facts come first."""
    delays = {"a": delay(0, 30), "b": delay(10, 12)}
    assert freshness.figures_of({1: ["a", "b"]}, delays)["freshness_p95_s"] == 20


def test_without_any_fact_there_are_no_figures():
    assert freshness.figures_of({1: ["a"]}, {}) == {"freshness_p50_s": None, "freshness_p95_s": None}
