"""Facts without what was just taken back."""

from datetime import UTC, datetime

from afterturn.facts.fact import Fact, without
from afterturn.memories import Evidence

NOW = datetime(2024, 7, 1, tzinfo=UTC)


def said(turn_id):
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
        evidence=tuple(said(turn_id) for turn_id in turn_ids),
    )


def test_hidden_evidence_is_left_out_and_so_is_what_rested_on_it_alone():
    hidden = {("chat", "a")}
    assert without([fact("a"), fact("a", "b"), fact("b")], hidden) == [fact("b"), fact("b")]
    assert without([fact("a")], {("other", "a")}) == [fact("a")]
    # What had none before, because it was taken back long ago, is another matter.
    assert without([fact()], hidden) == [fact()]
