"""Scoring: from memories to their turns, and how many of the right ones are among the first."""

from datetime import UTC, datetime

import pytest

from afterturn.memories import Evidence, Memory
from api_shim.cli.demo import scoring
from api_shim.cli.demo.scoring import Mean, Scored

MOMENT = datetime(2025, 1, 14, tzinfo=UTC)


def memory(*turn_ids):
    evidence = tuple(
        Evidence(session_id="s", turn_id=turn_id, position=1, speaker="Mara", said_at=MOMENT, quote="…")
        for turn_id in turn_ids
    )
    return Memory(kind="fact", memory_id="m", text="…", score=1.0, said_at=MOMENT, session_id="s", evidence=evidence)


def test_memories_expand_to_their_turns_in_order_each_turn_once():
    memories = [memory("D1:2", "D1:4"), memory("D1:4"), memory("D3:1", "D1:2"), memory("D2:2")]
    assert scoring.ranked_turns(memories) == ["D1:2", "D1:4", "D3:1", "D2:2"]


@pytest.mark.parametrize(
    ("limit", "evidence", "expected"),
    [
        (1, {"a"}, 1.0),
        (1, {"b"}, 0.0),
        (2, {"a", "b"}, 1.0),
        (2, {"a", "c"}, 0.5),
        (10, {"a", "b", "x", "y"}, 0.5),
    ],
)
def test_recall_counts_the_evidence_among_the_first_turns(limit, evidence, expected):
    assert scoring.recall_at(limit, ["a", "b", "c"], evidence) == expected


def test_only_the_first_turns_count():
    ranked = [f"D1:{number}" for number in range(1, 21)]
    assert scoring.recall_at(10, ranked, {"D1:10"}) == 1.0
    assert scoring.recall_at(10, ranked, {"D1:11"}) == 0.0


def test_the_mean_is_over_questions_not_over_categories():
    scored = [Scored(category=4, recall=1.0), Scored(category=1, recall=0.0), Scored(category=4, recall=0.5)]
    assert scoring.means(scored) == {1: Mean(0.0, 1), 4: Mean(0.75, 2)}
    assert list(scoring.means(scored)) == [1, 4]
    assert scoring.overall(scored) == Mean(0.5, 3)
