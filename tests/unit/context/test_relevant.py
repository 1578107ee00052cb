"""The lines about the question: replies with their questions, nothing that says nothing, in the order of time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from afterturn.context import assembly, lines, relevant
from afterturn.context.context import ContextRequest
from afterturn.context.lines import Question
from afterturn.lives import Life
from afterturn.memories import Evidence, Memory
from afterturn.recall.neighbours import Neighbours
from tests.unit.context.material import DAY, UTC_ZONE, context_input, fact, turn

MINUTE = timedelta(minutes=1)


def said(position, speaker, text, session_id="earlier"):
    return Evidence(
        session_id=session_id,
        turn_id=f"t-{position}",
        position=position,
        speaker=speaker,
        said_at=DAY + position * MINUTE,
        quote=text,
    )


def turn_memory(evidence):
    return Memory(
        kind="turn",
        memory_id=evidence.turn_id,
        text=evidence.quote,
        score=1.0,
        said_at=evidence.said_at,
        session_id=evidence.session_id,
        evidence=(evidence,),
    )


def conversation(*texts):
    """Return the turns of a conversation of Ana, who begins, and Ben."""
    return [said(number, ("Ben", "Ana")[number % 2], text) for number, text in enumerate(texts, 1)]


def shown(turns, *recalled, question="What is it?"):
    """Return what is said in the lines that are offered for these positions, best first."""
    neighbours = Neighbours({(item.session_id, item.position): item for item in turns})
    memories = [turn_memory(turns[position - 1]) for position in recalled]
    found = relevant.offer_lines(memories, neighbours, (), Question(question), UTC_ZONE)
    return [line.content for line in found]


def test_a_short_reply_brings_its_question():
    turns = conversation("What is your dog's name?", "Bruno.", "I moved the plants into the garden.")
    assert shown(turns, 2) == ["Ben: Bruno.", "Ana: What is your dog's name?"]


def test_a_question_brings_its_reply():
    turns = conversation(
        "What is your dog's name?", "He is called Bruno, after my uncle in Faro.", "I like it very much."
    )
    assert shown(turns, 1) == ["Ana: What is your dog's name?", "Ben: He is called Bruno, after my uncle in Faro."]


def test_a_chain_of_questions_is_offered_once():
    turns = conversation("Do you have a dog?", "Yes. And you?", "Two cats.")
    assert sorted(shown(turns, 2, 1, 3)) == ["Ana: Do you have a dog?", "Ana: Two cats.", "Ben: Yes. And you?"]


def test_a_reply_that_stands_alone_brings_no_question():
    reply = "Our dog Bruno limps since Tuesday, and the vet says that his left leg must be operated on in May, in Faro."
    reply += " We will drive there on the second of May."
    assert shown(conversation("How is your dog?", reply), 2) == [f"Ben: {reply}"]


def test_who_answers_themselves_needs_no_question():
    turns = [said(1, "Ana", "What else?"), said(2, "Ana", "The cellar was painted green.")]
    assert shown(turns, 2) == ["Ana: The cellar was painted green."]


@pytest.mark.parametrize("filler", ["Agreed!", "Great.", "Thanks, Ana!", "Ben", "\U0001f44d", "Genau!"])
def test_a_turn_that_says_nothing_is_left_out(filler):
    turns = conversation("The cellar was painted green.", filler)
    assert shown(turns, 2, 1) == ["Ana: The cellar was painted green."]


def test_what_says_nothing_is_shown_where_it_answers():
    assert "Ben: Agreed!" in shown(conversation("Shall we paint the cellar green?", "Agreed!"), 2)


def test_a_repeated_turn_is_shown_once():
    turns = conversation(
        "We painted the cellar green in May.", "In May we painted the cellar green!", "It is dry now, and warm."
    )
    assert shown(turns, 1, 2, 3) == ["Ana: We painted the cellar green in May.", "Ana: It is dry now, and warm."]


def test_another_number_is_another_statement():
    text = "In the spring we paid {} for the paint of the old cellar, the stairs, the windows and the doors."
    assert len(shown(conversation(text.format(300), text.format(400)), 1, 2)) == 2


def test_a_reply_in_another_session_is_no_reply():
    turns = [said(1, "Ana", "What is your dog's name?"), said(2, "Ben", "Bruno is his name.", "another")]
    assert shown(turns, 1) == ["Ana: What is your dog's name?"]


def test_only_the_best_turns_are_explained():
    texts = [text for number in range(20) for text in (f"What is thing {number}?", f"Box {number}.")]
    found = shown(conversation(*texts), *range(2, 41, 2))
    assert sum(line.startswith("Ana") for line in found) < 20


def test_lines_are_shown_in_the_order_of_time_and_cut_by_rank():
    turns = conversation(*(f"The room {number} was painted by Rita and Tom in the spring." for number in range(1, 9)))
    memories = [turn_memory(turns[position]) for position in (4, 1, 6, 3, 0, 7, 2, 5)]
    inputs = replace(context_input(memories=memories), question="Who painted the rooms?")
    for token_budget in (180, 240, 300, 1_000):
        context = assembly.assemble(ContextRequest(token_budget=token_budget), inputs)
        content = context.messages[0]["content"]
        places = [content.find(turn.quote) for turn in turns]
        found = [place for place in places if place >= 0]
        assert found == sorted(found)
        best = {turns[position].quote for position in (4, 1, 6, 3, 0, 7, 2, 5)[: len(found)]}
        assert {turn.quote for turn in turns if turn.quote in content} == best


def test_a_reply_is_not_shown_without_its_question_s_line():
    turns = conversation("What is your dog's name? " + "It is a fine dog. " * 20, "Bruno is his name.")
    neighbours = Neighbours({(item.session_id, item.position): item for item in turns})
    inputs = replace(context_input(memories=[turn_memory(turns[0])]), neighbours=neighbours, question="dog's name")
    context = assembly.assemble(ContextRequest(token_budget=150), inputs)
    assert "Bruno" not in str(context.messages)


def test_a_neighbour_that_the_recent_turns_show_is_not_repeated():
    turns = [said(1, "Ana", "What is your dog's name?", "chat"), said(2, "Ben", "Bruno is his name.", "chat")]
    neighbours = Neighbours({(item.session_id, item.position): item for item in turns})
    inputs = replace(context_input(memories=[turn_memory(turns[0])]), neighbours=neighbours, question="dog's name")
    recent = [replace(turn(2, "Bruno is his name.", name="Ben"), turn_id="t-2")]
    context = assembly.assemble(ContextRequest(token_budget=1_000), replace(inputs, turns=recent))
    assert str(context.messages).count("Bruno is his name.") == 1


@pytest.mark.parametrize(
    ("life", "text", "wanted"),
    [
        (Life.EVENT, "Ana ran a marathon.", "Ana ran a marathon. (2024-03-02)"),
        (Life.STATE, "Ana looks for a flat.", "Ana looks for a flat. (since 2024-03-02)"),
        (Life.LASTING, "Ana works at Acme.", "Ana works at Acme. (since 2024-03-02)"),
        (Life.STATE, "Ana looks for a flat since March 2024.", "Ana looks for a flat since March 2024."),
    ],
)
def test_a_fact_that_names_no_year_is_shown_with_its_day(life, text, wanted):
    memory = fact(text, life=life, valid_from=datetime(2024, 3, 2, tzinfo=UTC))
    assert lines.memory_line(memory, UTC_ZONE, Question()).content == wanted


def test_a_fact_that_was_said_on_several_days_has_the_first_and_the_last_one():
    memory = fact("Ana likes tea.")
    earlier = replace(memory.evidence[0], said_at=DAY - timedelta(days=30))
    line = lines.memory_line(replace(memory, evidence=(earlier, *memory.evidence)), UTC_ZONE, Question())
    assert line.text.endswith(" 2024-05-07, first 2024-04-07] Ana likes tea.")


@pytest.mark.parametrize(
    ("old", "is_shown"),
    [("Ana likes tea.", False), ("Ana lives in Porto.", True), ("Ana drank 3 cups of tea.", True)],
)
def test_a_former_text_is_shown_if_it_says_something_else(old, is_shown):
    memory = fact("Ana likes tea with milk, and lives in Lisbon.", superseded_texts=(old,))
    assert (old in lines.memory_line(memory, UTC_ZONE, Question()).content) is is_shown


@pytest.mark.parametrize("token_budget", [1, 700, 1_500, 3_000, 10_000, 10_000_000])
def test_more_is_recalled_for_a_larger_budget(token_budget):
    recalled = ContextRequest(token_budget=token_budget).memories_recalled
    assert 40 <= recalled <= 200
    assert recalled >= min(200, token_budget // 30)


def test_with_a_question_the_profile_takes_no_more_than_its_share_and_that_of_pinned_facts():
    profile = [f"Ana knows person number {number} from school." for number in range(60)]
    inputs = context_input(profile=profile, memories=[fact(f"Rita has {number} cats.") for number in range(80)])
    request = ContextRequest(token_budget=1_000)
    parts = {part.name: part for part in assembly.assemble(request, replace(inputs, question="cats")).parts}
    assert parts["profile"].tokens <= 1_000 * (request.shares.profile + request.shares.pinned)
    assert parts["relevant"].tokens > 500
    without = {part.name: part for part in assembly.assemble(request, inputs).parts}
    assert without["profile"].tokens > parts["profile"].tokens
