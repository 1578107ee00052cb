"""How much wider batches are cut as a user's tokens of the day run out."""

import pytest

from afterturn import settings as settings_module
from afterturn.llm import budget

SETTINGS = settings_module.load({})


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5])
def test_up_to_half_nothing_changes(share):
    assert budget.wider(SETTINGS, share) is SETTINGS


@pytest.mark.parametrize(
    ("share", "turns", "tokens", "idle", "age"),
    [(0.75, 35, 3_500, 75.0, 750.0), (1.0, 40, 4_000, 120.0, 1_200.0), (7.0, 40, 4_000, 120.0, 1_200.0)],
)
def test_then_they_wait_longer_and_become_larger(share, turns, tokens, idle, age):
    wide = budget.wider(SETTINGS, share)
    assert (wide.batch_turns, wide.batch_tokens) == (turns, tokens)
    assert (wide.batch_idle_seconds, wide.batch_max_age_seconds) == (idle, age)
