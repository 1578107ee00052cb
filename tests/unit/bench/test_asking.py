"""Scoring recall: from memories to their turns, and how many of the right ones are among the first."""

from datetime import UTC, datetime

import pytest

from afterturn.memories import Evidence, Memory
from bench import asking
from bench.asking import Answered, Scored
from bench.data.questions import LabelledQuestion

MOMENT = datetime(2025, 1, 14, tzinfo=UTC)


def memory(*turn_ids):
    evidence = tuple(
        Evidence(session_id="s", turn_id=turn_id, position=1, speaker="Mara", said_at=MOMENT, quote="…")
        for turn_id in turn_ids
    )
    return Memory(kind="fact", memory_id="m", text="…", score=1.0, said_at=MOMENT, session_id="s", evidence=evidence)


def test_memories_expand_to_their_turns_in_order_each_turn_once():
    memories = [memory("D1:2", "D1:4"), memory("D1:4"), memory("D3:1", "D1:2"), memory("D2:2")]
    assert asking.ranked_turns(memories) == ["D1:2", "D1:4", "D3:1", "D2:2"]


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
    assert asking.recall_at(limit, ["a", "b", "c"], evidence) == expected


def test_only_the_first_turns_count():
    ranked = [f"D1:{number}" for number in range(1, 21)]
    assert asking.recall_at(10, ranked, {"D1:10"}) == 1.0
    assert asking.recall_at(10, ranked, {"D1:11"}) == 0.0


def test_the_first_turn_of_an_answer_is_worth_most():
    assert asking.ndcg(["a", "b"], {"a", "b"}) == 1
    assert asking.ndcg(["x", "a"], {"a"}) == pytest.approx(0.6309, abs=1e-4)
    assert asking.ndcg(["x"] * 10 + ["a"], {"a"}) == 0
    assert asking.ndcg([], {"a"}) == 0


def test_an_answer_is_scored_at_every_depth():
    asked = LabelledQuestion(text="Who?", category="1", evidence=frozenset({"D1:1", "D9:9"}))
    scored = asking.score(Answered(asked=asked, memories=[memory("D1:2"), memory("D1:1")], seconds=0.5))
    assert (scored.category, scored.seconds) == ("1", 0.5)
    assert scored.figures == {
        "recall_at_5": 0.5,
        "recall_at_10": 0.5,
        "recall_at_20": 0.5,
        "ndcg_at_10": pytest.approx(0.3869, abs=1e-4),
    }


def test_figures_are_means_per_category_and_over_all_questions():
    def scored(category, share):
        return Scored(category, {"recall_at_5": share}, tokens=10, seconds=0.02)

    figures = asking.summed([scored("2", 0.0), scored("1", 1.0), scored("2", 0.5)])
    assert figures["overall"] == {"recall_at_5": 0.5, "questions": 3}
    assert figures["categories"] == {
        "1": {"recall_at_5": 1.0, "questions": 1},
        "2": {"recall_at_5": 0.25, "questions": 2},
    }
    assert list(figures["categories"]) == ["1", "2"]
    assert (figures["tokens_per_answer"], figures["latency_p50_ms"]) == (10, 20)
