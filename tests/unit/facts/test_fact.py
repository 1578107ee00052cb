"""Facts without the evidence of turns that were just removed."""

from datetime import UTC, datetime

from afterturn.facts.fact import Fact, exclude_turns
from afterturn.memories import Evidence

NOW = datetime(2024, 7, 1, tzinfo=UTC)


def evidence(turn_id):
    return Evidence(session_id="chat", turn_id=turn_id, position=1, speaker="Ana", said_at=NOW, quote="x")


def fact(*turn_ids):
    return Fact(
        fact_id="7",
        text="x",
        category="other",
        topics=(),
        subject=None,
        attribute=None,
        value=None,
        importance=0.5,
        times_seen=1,
        status="current",
        is_pinned=False,
        origin="extracted",
        said_by="user",
        valid_from=None,
        valid_to=None,
        said_at=NOW,
        recorded_at=NOW,
        superseded_at=None,
        superseded_by=None,
        ended_because=None,
        evidence=tuple(evidence(turn_id) for turn_id in turn_ids),
    )


def test_hidden_evidence_and_facts_with_no_other_evidence_are_left_out():
    hidden = {("chat", "a")}
    assert exclude_turns([fact("a"), fact("a", "b"), fact("b")], hidden) == [fact("b"), fact("b")]
    assert exclude_turns([fact("a")], {("other", "a")}) == [fact("a")]
    # A fact that had no evidence before, because its turns were removed long ago, stays.
    assert exclude_turns([fact()], hidden) == [fact()]
