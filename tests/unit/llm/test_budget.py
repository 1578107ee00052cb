"""Batches are cut larger while the daily tokens of a user run out."""

import pytest

from afterturn import settings as settings_module
from afterturn.llm import budget

SETTINGS = settings_module.load({})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_up_to_half_of_the_budget_batches_do_not_change(share):
    assert budget.enlarge_batches(SETTINGS, share) is SETTINGS


@pytest.mark.parametrize(
    ("share", "turns", "tokens", "idle", "age"),
    [(0.75, 35, 3_500, 150.0, 750.0), (1.0, 40, 4_000, 240.0, 1_200.0), (7.0, 40, 4_000, 240.0, 1_200.0)],
)
def test_after_half_of_the_budget_batches_wait_longer_and_become_larger(share, turns, tokens, idle, age):
    enlarged = budget.enlarge_batches(SETTINGS, share)
    assert (enlarged.batch_turns, enlarged.batch_tokens) == (turns, tokens)
    assert (enlarged.batch_idle_seconds, enlarged.batch_max_age_seconds) == (idle, age)
