"""The end of a thought is found by the rhythm of a session and by its last words."""

import pytest

from afterturn.batches.cut import Limits, plan_cuts
from afterturn.batches.thoughts import asks, new_turn, wait_seconds

LIMITS = Limits(turns=30, tokens=3_000)
IDLE_SECONDS = 60.0


def said(times, last="We moved to Lisbon."):
    """Return turns written at these times, the last one with this text."""
    texts = ["We moved to Lisbon."] * (len(times) - 1) + [last]
    return [new_turn(place, 10, time, text) for place, (time, text) in enumerate(zip(times, texts, strict=True), 1)]


def wait(times, *, earlier=(), last="We moved to Lisbon."):
    return wait_seconds(said(times, last), earlier, LIMITS, idle_seconds=IDLE_SECONDS)


def every(seconds, count, start=1_000.0):
    return [start + seconds * number for number in range(count)]


def test_a_quick_session_is_over_after_few_seconds():
    assert wait(every(1.0, 10)) == pytest.approx(5.0)
    assert wait(every(2.0, 10)) < 6.0


def test_a_slow_session_is_given_time():
    assert 15.0 < wait(every(15.0, 10)) < 40.0
    assert wait(every(50.0, 10)) == IDLE_SECONDS


def test_a_session_with_irregular_gaps_is_given_more_time_than_a_regular_one():
    irregular = [1_000.0, 1_002.0, 1_014.0, 1_016.0, 1_030.0, 1_032.0, 1_046.0]
    assert wait(irregular) > 2 * wait(every(46 / 6, 7))


def test_the_fuller_the_batch_is_the_sooner_it_is_cut():
    assert wait(every(8.0, 28)) < wait(every(8.0, 14)) < wait(every(8.0, 4))


def test_the_rhythm_is_known_from_the_turns_before():
    assert wait([2_000.0], earlier=every(1.0, 8)) == pytest.approx(5.0)
    assert wait([2_000.0], earlier=every(20.0, 8)) > 30.0


def test_without_a_rhythm_the_wait_is_short():
    assert wait([1_000.0]) == pytest.approx(5.0)
    assert wait([1_000.0, 1_000.001, 1_000.002]) == pytest.approx(5.0), "written in one go"


def test_pauses_are_no_part_of_the_rhythm():
    with_a_pause = every(1.0, 8) + every(1.0, 8, start=9_000.0)
    assert wait(with_a_pause) == wait(every(1.0, 16))


def test_a_clock_that_was_set_back_is_no_gap():
    assert wait([*every(1.0, 8, start=9_000.0), *every(1.0, 8)]) == wait(every(1.0, 16))


def test_an_answer_is_waited_for():
    assert wait(every(6.0, 8), last="Shall we meet at six?") > 1.4 * wait(every(6.0, 8))


@pytest.mark.parametrize(
    "last",
    [
        "Thanks, Maria! See you on Sunday. Take care!",
        "Alles klar, bis später, Jonas!",
        "Gracias por todo, hasta luego.",
        "Obrigada! Até amanhã 😊",
        "Merci, à bientôt Paul",
        "Спасибо, до встречи!",
        "Tamam, görüşürüz!",
        "شكرا، مع السلامة",
        "ठीक है, फिर मिलेंगे!",
        "네, 내일 봐요!",
        "ありがとう、またね!",
        "好的,明天见!",
        "ขอบคุณนะ แล้วเจอกัน",
    ],
)
def test_who_says_goodbye_has_finished(last):
    assert wait(every(30.0, 8), last=last) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "last",
    [
        "Take care of the garden while I am away.",
        "Did he say goodbye?",
        "I said bye to my old flat and moved to a house near the river.",
        "Пока не знаю, куда поехать летом в отпуск.",
    ],
)
def test_words_of_a_farewell_within_a_statement_are_none(last):
    assert wait(every(30.0, 8), last=last) > 30.0


@pytest.mark.parametrize("text", ["Really?", "是吗?", "متى؟", "Where to? 😊", 'He said: "Why?"', "¿Vienes? "])
def test_a_question_is_seen_in_every_script(text):
    assert asks(text)


def test_a_statement_after_a_question_is_no_question():
    assert not asks("Where to? To Lisbon.")


def cuts_of(texts, limits):
    turns = [new_turn(place, 10, float(place), text) for place, text in enumerate(texts, 1)]
    return [(cut.first_position, cut.last_position, cut.is_full) for cut in plan_cuts(turns, limits)]


def test_a_full_batch_does_not_end_with_a_question():
    texts = ["I moved."] * 4 + ["Where to?", "To Lisbon."] + ["Nice."] * 3
    assert cuts_of(texts, Limits(turns=5, tokens=1_000)) == [(1, 4, True), (5, 9, True)]


def test_people_who_only_ask_are_cut_all_the_same():
    assert cuts_of(["Why?"] * 12, Limits(turns=5, tokens=1_000)) == [
        (1, 3, True), (4, 6, True), (7, 9, True), (10, 12, False)
    ]  # fmt: skip


def test_a_question_and_its_long_answer_stay_together():
    turns = [
        new_turn(1, 900, 1.0, "A story."),
        new_turn(2, 10, 2.0, "What happened then?"),
        new_turn(3, 995, 3.0, "A long answer."),
        new_turn(4, 10, 4.0, "Thanks."),
    ]
    cuts = plan_cuts(turns, Limits(turns=30, tokens=1_000))
    assert [(cut.first_position, cut.last_position) for cut in cuts] == [(1, 1), (2, 3), (4, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "That is great! By the way, I went bowling yesterday.",
        "Übrigens, ich habe jetzt einen Hund.",
        "Por cierto, mañana viene mi madre.",
        "Mudando de assunto, comprei uma bicicleta.",
        "Au fait, nous avons déménagé.",
        "Кстати, я сменил работу.",
        "Bu arada yeni bir eve taşındık.",
        "بالمناسبة، اشتريت سيارة جديدة",
        "बाय द वे, मैंने नौकरी बदल ली।",
        "그건 그렇고, 나 이사했어.",
        "ところで、引っ越しました。",
        "对了,我换工作了。",
        "ว่าแต่ ฉันย้ายบ้านแล้ว",
    ],
)
def test_an_announced_subject_ends_the_thought_before_it(text):
    before = ["We moved."] * 15
    assert cuts_of([*before, text, "Oh."], LIMITS) == [(1, 15, True), (16, 17, False)]


def test_a_small_batch_is_not_cut_at_another_subject():
    assert cuts_of(["We moved."] * 14 + ["By the way, I have a dog."], LIMITS) == [(1, 15, False)]


def test_a_question_is_not_cut_from_an_answer_that_goes_on_to_another_subject():
    texts = ["We moved."] * 15 + ["Where to?", "To Lisbon. By the way, I have a dog."]
    assert cuts_of(texts, LIMITS) == [(1, 17, False)]


@pytest.mark.parametrize("text", ["That is on the way.", "I like it anyway.", "word " * 300 + "By the way, ..."])
def test_other_texts_announce_nothing(text):
    assert cuts_of(["We moved."] * 15 + [text], Limits(turns=30, tokens=100_000)) == [(1, 16, False)]
