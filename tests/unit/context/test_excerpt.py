"""Of a long text, a line shows the sentences that are nearest to the question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.context import excerpt
from afterturn.context.lines import Question
from afterturn.excerpts import spans

FILLER = "The weather was fine and the train was on time. " * 30
GERMAN = "Das Wetter war gut und der Zug kam an. " * 30
CHINESE = "天气很好，火车准时到达。" * 60
LIST = "Here is what I pack:\n" + "".join(f"- thing number {number}\n" for number in range(80))


@pytest.mark.parametrize(
    ("text", "question", "wanted"),
    [
        (FILLER + "Bruno limps since Tuesday. " + FILLER, "Since when does Bruno limp?", "Bruno limps since Tuesday."),
        (GERMAN + "Bruno hinkt seit Dienstag. " + GERMAN, "Seit wann hinkt Bruno?", "Bruno hinkt seit Dienstag."),
        (
            CHINESE + "小狗从星期二开始一瘸一拐。" + CHINESE,
            "小狗从什么时候开始一瘸一拐？",
            "小狗从星期二开始一瘸一拐。",
        ),
        (LIST + "- a tent for 4\n" + LIST, "How large is the tent?", "- a tent for 4"),
        (FILLER * 4 + "The code word is Osprey.", "What is the code word?", "The code word is Osprey."),
    ],
)
def test_what_is_asked_is_shown_wherever_it_stands(text, question, wanted):
    shown = Question(question).shorten(text)
    assert wanted in shown
    assert len(shown) <= excerpt.SHOWN_CHARACTERS + 40


def test_the_sentence_after_it_is_shown_too():
    text = f"{FILLER}We talked about Bruno's leg. It will be operated on in May. {FILLER}"
    assert "It will be operated on in May." in Question("What about Bruno's leg?").shorten(text)


def test_a_text_that_shares_no_word_shows_its_beginning():
    text = "Ana wrote from Porto. " + FILLER
    assert Question("Where is the cat?").shorten(text).startswith("Ana wrote from Porto.")
    assert Question("").shorten(text).startswith("Ana wrote from Porto.")


def test_a_short_text_is_unchanged():
    text = " Two  spaces,\nand a line. "
    assert Question("line").shorten(text) == text


@given(st.text(max_size=3_000), st.text(max_size=60))
def test_only_words_of_the_text_are_shown_in_their_order(text, question):
    shown = Question(question).shorten(text, 100)
    place = 0
    for piece in shown.split(spans.LEFT_OUT):
        found = text.find(piece.strip(), place)
        assert found >= 0 or spans.LEFT_OUT in text
        place = max(place, found)


@pytest.mark.parametrize("text", ["x" * 5_000, "\n" * 5_000, "- " * 3_000, "." * 5_000, "?" * 5_000])
def test_a_text_without_sentences_is_cut(text):
    assert len(Question("x").shorten(text)) <= excerpt.SHOWN_CHARACTERS + 40
