"""A user with a backlog delays nobody else: real workers, and a model that takes its time."""

from __future__ import annotations

from harness.chaos import neighbours
from harness.chaos.lane import Lane


def test_quiet_users_do_not_wait_for_a_backlog(lane: Lane) -> None:
    outcome = neighbours.beside_a_backlog(lane)
    assert outcome.is_clean, outcome
