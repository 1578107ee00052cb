"""A worker dies, or sleeps too long, at each named step: the memory is as without, and nothing is asked twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from harness.chaos import crash, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome

#: Several times what recovery takes from when the new worker is ready: up to 5 s on an idle machine, as `bench.chaos`
#: measures.
RECOVERY_SECONDS = 30.0
#: What `make test` strikes at; `pytest -m chaos` strikes everywhere.
FEW = (
    "sweep.archives_claimed",
    "archive.before_commit",
    "archive.after_commit",
    "extract.answer_stored",
    "embed.vectors_stored",
    "judge.answer_stored",
    "consolidate.before_commit",
    "consolidate.after_commit",
    "summarize.before_commit",
)
FEW_SLEEPERS = ("extract.answer_received", "consolidate.after_claim", "archive.entries_read")
FORKED = tuple(point for point in crash.points() if point.split(".")[0] in ("sweep", "archive", "consolidate"))
FEW_FORKED = ("consolidate.rows_locked",)


def _cases(points: tuple[str, ...] | list[str], few: tuple[str, ...]) -> list[object]:
    return [pytest.param(point, marks=[] if point in few else pytest.mark.chaos) for point in points]


def _assert_clean(outcome: Outcome) -> None:
    assert outcome.is_clean, outcome
    assert outcome.recovery_of_an_idle_machine <= RECOVERY_SECONDS, outcome


@pytest.mark.parametrize("point", _cases(crash.points(), FEW))
def test_killed_at(lane: Lane, expected: Image, point: str) -> None:
    _assert_clean(crash.crash(lane, expected, point))


@pytest.mark.parametrize("point", _cases(crash.points(), FEW_SLEEPERS))
def test_asleep_at(lane: Lane, expected: Image, point: str) -> None:
    _assert_clean(crash.sleep(lane, expected, point))


@pytest.mark.parametrize("point", _cases(FORKED, FEW_FORKED))
def test_only_the_child_is_killed_at(lane: Lane, expected: Image, point: str) -> None:
    _assert_clean(crash.child_crash(lane, expected, point))


@pytest.mark.chaos
@pytest.mark.parametrize("point", ["archive.begun", "extract.answer_stored", "consolidate.lock_taken"])
def test_with_default_settings(
    redis_server: RedisServer, postgres_server: PostgresServer, tmp_path: Path, expected: Image, point: str
) -> None:
    with Lane(redis_server.url, postgres_server.url, tmp_path, is_quick=False) as slow:
        outcome = crash.crash(slow, expected, point)
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 60.0


def test_the_conversation_says_what_the_matrix_needs(expected: Image) -> None:
    """Facts that are new, said again, superseded, judged, united and contradicted; several batches; a summary each."""
    facts = expected.tables["facts"]
    assert {row[13] for row in facts} == {"current", "superseded"}
    assert {row[20] for row in facts} == {None, "newer_value", "judged", "united"}
    assert expected.tables["judgements"] and expected.tables["contradictions"]
    assert any(row[12] > 1 for row in facts)
    assert len(expected.tables["batches"]) == 7
    assert len(expected.tables["summaries"]) == 3
    assert len(expected.tables["profiles"]) == 2


def test_two_uninterrupted_runs_are_alike(lane: Lane, expected: Image) -> None:
    assert expected.differences(trial.uninterrupted(lane)) == {}
