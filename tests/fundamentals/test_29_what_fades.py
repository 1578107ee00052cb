"""What has faded leaves default reads without a write and without a call; it stays in history, and comes back."""

from datetime import UTC, datetime

import pytest

from afterturn.context.strategies import LastTurns
from afterturn.errors import InvalidInput
from afterturn.forgetting import export
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
from tests.fundamentals.scripted import Scripted, fact

COLD, HOME = "Ana has a cold.", "Ana lives in Lisbon."
ROME = "Ana plans to fly to Rome on 3 May 2023."
QUESTION = "How is Ana?"
FACTS = ("fact",)


def at(month, day=1, year=2023):
    return datetime(year, month, day, 12, tzinfo=UTC)


@pytest.fixture
def say(memory, pipeline):
    """Return a function that writes a turn, and processes it into these facts."""
    extractor = pipeline.runtime.__dict__["extractor"] = Scripted()

    def write(text, *facts, when):
        extractor.answers.append([one | {"evidence": [{"turn": 1, "quote": text}]} for one in facts])
        written = memory.write("user", text, name="Ana", occurred_at=when)
        pipeline.settle()
        return written

    return write


@pytest.fixture
def ill(say):
    """Ana has a cold in April 2023, and lives in Lisbon."""
    say("What a cold I have.", fact(COLD, life="state", importance=0.9), when=at(4))
    say("I live in Lisbon.", fact(HOME, life="lasting", category="place", importance=0.9), when=at(4, 2))


def texts(found):
    return sorted(one.text for one in found)


def recalled(memory, **filters):
    return texts(memory.recall(QUESTION, 20, kinds=FACTS, **filters))


def test_recall_leaves_out_what_has_faded_unless_it_is_asked_for(memory, ill, say):
    assert recalled(memory) == [COLD, HOME]
    say("Hello again after all this time.", when=at(12))
    assert recalled(memory) == [HOME]
    assert recalled(memory, include_faded=True) == recalled(memory, include_superseded=True) == [COLD, HOME]
    assert recalled(memory, as_of=at(4, 20)) == [COLD, HOME]
    assert recalled(memory, as_of=at(10)) == [HOME]
    assert recalled(memory, as_of=datetime.now(UTC), time="recorded") == [HOME]
    assert texts(memory.recall(kinds=FACTS, order="importance")) == [HOME]
    assert "What a cold I have." in texts(memory.recall(QUESTION, 20, kinds=("turn",)))
    with pytest.raises(InvalidInput, match="include_faded"):
        memory.recall(QUESTION, include_faded="yes")


def test_the_list_of_facts_leaves_it_out_as_well(memory, ill, say):
    say("Hello again after all this time.", when=at(12))
    assert texts(memory.facts()) == [HOME]
    assert texts(memory.facts(include_faded=True)) == texts(memory.facts(include_superseded=True)) == [COLD, HOME]
    assert texts(memory.facts(life="state")) == []
    [cold] = memory.facts(life="state", include_faded=True)
    assert (cold.life, cold.fades_at, cold.status) == ("state", at(9, 28), "current")
    assert texts(memory.fact_history(cold.fact_id)) == [COLD]
    with pytest.raises(InvalidInput, match="lasting, event, plan, state, attitude"):
        memory.facts(life="for a while")


def test_a_turn_that_no_worker_has_seen_is_the_time_already(memory, ill):
    memory.write("user", "Hello again after all this time.", occurred_at=at(12))
    assert recalled(memory) == [HOME]
    [message, *_] = memory.context(QUESTION, 2_000, history=LastTurns(0)).messages
    assert HOME in message["content"] and COLD not in message["content"]


def test_profile_and_context_leave_it_out_without_being_made_again(memory, ill, database):
    assert sorted(memory.profile().splitlines()) == [COLD, HOME]
    database.execute("UPDATE turns SET occurred_at = %s WHERE content = 'I live in Lisbon.'", (at(12),))
    before = database.execute("SELECT xmin::text, updated_at FROM profiles").fetchall()
    assert memory.profile() == HOME
    [message, *_] = memory.context(None, 2_000, history=LastTurns(0)).messages
    assert HOME in message["content"] and COLD not in message["content"]
    assert database.execute("SELECT xmin::text, updated_at FROM profiles").fetchall() == before


def test_a_profile_of_which_every_line_has_faded_is_none(memory, say, database):
    say("What a cold I have.", fact(COLD, life="state", importance=0.9), when=at(4))
    assert memory.profile() == COLD
    database.execute("UPDATE turns SET occurred_at = %s", (at(12),))
    assert memory.profile() is None


def test_fading_writes_nothing(memory, ill, database):
    rows = "SELECT fact_id, xmin::text FROM facts ORDER BY fact_id"
    before = database.execute(rows).fetchall()
    memory.write("user", "Hello again after all this time.", occurred_at=at(12))
    assert recalled(memory) == [HOME]
    assert database.execute(rows).fetchall() == before


def test_as_many_facts_are_recalled_as_there_are(memory, say):
    stale = [fact(f"Ana has trouble number {number}.", life="state") for number in range(30)]
    kept = [fact(f"Ana owns boat number {number}.", life="lasting") for number in range(12)]
    say("So much trouble, and so many boats.", *stale, *kept, when=at(4))
    say("Hello again after all this time.", when=at(12))
    for _ in range(12):
        assert len(memory.recall("trouble", 10, kinds=FACTS)) == 10
        assert len(memory.recall("trouble", 50, kinds=FACTS)) == 12


def test_a_plan_whose_day_has_passed_says_so(memory, say):
    say("I fly to Rome on 3 May.", fact(ROME, life="plan", valid_from="2023-05-03"), when=at(4))
    assert not memory.recall(QUESTION, kinds=FACTS)[0].is_outcome_unknown
    say("Hello again.", when=at(5, 10))
    [plan] = memory.recall(QUESTION, kinds=FACTS)
    assert (plan.text, plan.life, plan.is_outcome_unknown) == (ROME, "plan", True)
    assert [one.is_outcome_unknown for one in memory.facts()] == [True]
    [message, *_] = memory.context(QUESTION, 2_000, history=LastTurns(0)).messages
    assert f"{ROME} (planned for 3 May 2023; outcome unknown)" in message["content"]
    assert [one.is_outcome_unknown for one in memory.recall(QUESTION, kinds=FACTS, as_of=at(4, 20))] == [False]
    assert [one.is_outcome_unknown for one in memory.facts(as_of=at(4, 20))] == [False]


def test_a_pinned_plan_reads_as_planned_too(memory, say):
    say("I fly to Rome on 3 May.", fact(ROME, life="plan", valid_from="2023-05-03"), when=at(4))
    memory.pin_fact(memory.facts()[0].fact_id)
    say("Hello again after all this time.", when=at(12))
    [message, *_] = memory.context(None, 2_000, history=LastTurns(0)).messages
    assert f"{ROME} (planned for 3 May 2023; outcome unknown)" in message["content"]


def test_export_has_lives_and_faded_facts(memory, ill, say, pipeline):
    say("Hello again after all this time.", when=at(12))
    records = export.export_records(pipeline.runtime.user_stores, UserScope("default", "ana"))
    rows = [record.values for record in records]
    held = {row["row"]["text"]: row["row"] for row in rows if row.get("table") == "facts"}
    assert (held[COLD]["life"], held[HOME]["life"]) == ("state", "lasting")
    assert held[COLD]["fades_at"].startswith("2023-09-28") and held[HOME]["fades_at"] is None


def test_facts_of_an_earlier_release_get_lives_in_the_next_nightly_consolidation(memory, ill, say, database, pipeline):
    say("I plan to visit Rome.", fact("Ana plans to visit Rome.", category="plan"), when=at(4, 3))
    database.execute("UPDATE facts SET life = NULL, fades_at = NULL")
    say("Hello again after a very long time.", when=at(1, 1, 2025))
    assert [one.life for one in memory.facts()] == [None, None, None]
    sleep.sleep(pipeline.runtime, UserScope("default", "ana"))
    # Nothing says of the cold that it is a state any more: what is in doubt stays.
    assert {one.text: one.life for one in memory.facts(include_faded=True)} == {
        COLD: "lasting",
        HOME: "lasting",
        "Ana plans to visit Rome.": "plan",
    }
    assert texts(memory.facts()) == [COLD, HOME]


def test_a_person_gives_a_life(memory, pipeline):
    pipeline.runtime.__dict__["extractor"] = Scripted()
    memory.add_fact("Ana looks for a flat.", life="state")
    memory.add_facts([{"text": "Ana will call Ben.", "life": "plan"}, {"text": "Ana likes tea."}])
    pipeline.settle()
    assert {one.text: (one.life, one.fades_at) for one in memory.facts()} == {
        "Ana looks for a flat.": ("state", None),
        "Ana will call Ben.": ("plan", None),
        "Ana likes tea.": ("lasting", None),
    }
    with pytest.raises(InvalidInput, match="life must be one of"):
        memory.add_fact("Ana looks for a flat.", life="for a while")


def test_when_the_next_state_is_removed_the_older_one_is_recalled_once_at_every_time(memory, say, pipeline):
    def searching(value):
        return fact(f"Ana's job search is {value}.", life="state", subject="Ana", attribute="job_search", value=value)

    say("I look for a job.", searching("open"), when=at(4))
    paused = say("I paused my job search.", searching("paused"), when=at(5))
    assert recalled(memory) == ["Ana's job search is paused."]
    memory.remove(paused)
    pipeline.settle()
    for filters in ({}, {"as_of": at(4, 20)}, {"as_of": at(5, 20)}):
        assert recalled(memory, **filters) == ["Ana's job search is open."]
