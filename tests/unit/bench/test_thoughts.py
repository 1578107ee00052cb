"""The simulation of rules for the end of a thought."""

import pytest

from afterturn.settings import Settings
from bench import thoughts
from bench.workload import Pace

SETTINGS = Settings()
PAUSE = (600.0, 700.0)


def test_with_a_fixed_idle_time_every_thought_waits_for_it():
    pace = Pace(gap_seconds=1.0, spread=0.0, turns=10.0, turns_spread=0.0, pause_seconds=PAUSE)
    figures = thoughts.simulated(pace, lambda uncut, earlier: 30.0, SETTINGS, users=3)
    assert figures == {"p50_s": 30.0, "p95_s": 30.0, "batches_per_100_turns": 10.0}


def test_a_wait_shorter_than_the_gaps_makes_a_batch_of_each_turn():
    pace = Pace(gap_seconds=8.0, spread=0.0, turns=10.0, turns_spread=0.0, pause_seconds=PAUSE)
    figures = thoughts.simulated(pace, lambda uncut, earlier: 7.0, SETTINGS, users=3)
    assert figures["batches_per_100_turns"] == 100.0


@pytest.mark.parametrize("name", ["1 s", "1 s, short", "2 s"])
def test_a_quick_chat_is_cut_within_seconds_and_costs_few_more_batches(name):
    rules, pace = thoughts.rules(SETTINGS), thoughts.paces()[name]
    fixed = thoughts.simulated(pace, rules["fixed_30"], SETTINGS, users=30)
    by_rhythm = thoughts.simulated(pace, rules["rhythm"], SETTINGS, users=30)
    assert by_rhythm["p95_s"] < 10.0 < fixed["p95_s"]
    assert by_rhythm["batches_per_100_turns"] < 2 * fixed["batches_per_100_turns"]


@pytest.mark.parametrize("name", ["15 s", "30 s", "30 s, short"])
def test_a_slow_chat_is_not_cut_after_each_turn(name):
    rules, pace = thoughts.rules(SETTINGS), thoughts.paces()[name]
    fixed = thoughts.simulated(pace, rules["fixed_30"], SETTINGS, users=30)
    by_rhythm = thoughts.simulated(pace, rules["rhythm"], SETTINGS, users=30)
    assert by_rhythm["batches_per_100_turns"] < 0.75 * fixed["batches_per_100_turns"]
