"""How badly a conversation is written, and that it stays the same conversation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bench import knowledge_plan
from bench.data.conversation import Conversation, Gold, SaidTurn, Session, Update

BEGIN = datetime(2023, 5, 7, tzinfo=UTC)


def session(number: int) -> Session:
    turn = SaidTurn(turn_id=f"t{number}", role="user", content=f"No. {number}", at=BEGIN + timedelta(days=number))
    return Session(session_id=f"s{number}", turns=(turn,))


CONVERSATION = Conversation(
    user_id="ana",
    sessions=tuple(session(number) for number in range(12)),
    gold=tuple(Gold(text=f"fact {number}", turn_ids=(f"t{number}",)) for number in range(12)),
    updates=(Update(old="fact 0", new="fact 3"), Update(old="fact 3", new="fact 4")),
)


def test_the_plain_plan_is_the_conversation_as_it_was_held():
    plan = knowledge_plan.plain(CONVERSATION)

    assert [sessions[0].session_id for sessions in plan.rounds] == [f"s{number}" for number in range(12)]
    assert plan.gold == CONVERSATION.gold
    assert not plan.is_unruly


def test_the_unruly_plan_writes_every_session_in_another_order():
    plan = knowledge_plan.unruly(CONVERSATION)
    written = [session.session_id for sessions in plan.rounds for session in sessions]

    assert sorted(written) == sorted(session.session_id for session in CONVERSATION.sessions)
    assert written != [session.session_id for session in CONVERSATION.sessions]
    assert plan == knowledge_plan.unruly(CONVERSATION)


def test_facts_are_said_again_later_but_not_after_they_were_replaced():
    again = knowledge_plan.unruly(CONVERSATION).gold[len(CONVERSATION.gold) :]
    said = {gold.text: int(gold.turn_ids[0][1:]) for gold in again}

    # The third one is replaced by the next turn: there is no moment to repeat it.
    assert said.keys() == {"fact 0", "fact 6", "fact 9"}
    assert 0 < said["fact 0"] < 3
    assert said["fact 6"] > 6
    assert said["fact 9"] > 9


def test_facts_are_said_again_in_turns_that_say_something():
    quiet = tuple(gold for gold in CONVERSATION.gold if gold.text not in {"fact 10", "fact 11"})
    conversation = replace(CONVERSATION, gold=quiet)
    again = knowledge_plan.unruly(conversation).gold[len(quiet) :]

    assert {turn_id for gold in again for turn_id in gold.turn_ids}.isdisjoint({"t10", "t11"})
    # Nothing is said after it but small talk.
    assert "fact 9" not in {gold.text for gold in again}
