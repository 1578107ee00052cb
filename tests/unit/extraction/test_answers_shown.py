"""Of a long answer of an assistant, extraction is shown as little as its use allows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterturn import tokens
from afterturn.batches import cut
from afterturn.excerpts import spans
from afterturn.extraction import turn_lines, verification
from afterturn.extraction.excerpts import answers
from afterturn.extraction.excerpts.answers import SHOWN_TOKENS, shorten
from afterturn.extraction.excerpts.worth import Around
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.prompted import format_request
from afterturn.turns import Turn
from harness.growth import assert_time_is_proportional
from harness.llm_server import prompt
from tests.unit.extraction.long_answers import LANGUAGES

START = datetime(2023, 5, 8, 9, 0, tzinfo=UTC)
#: General advice of 500 tokens, all sentences different.
ADVICE = [f"Many people find that advice number {word} helps with most of such matters." for word in "abcdefghijklmno"]
ADVICE += [
    f"It is often said that {word} matters less than one would think." for word in ["sleep", "light", "air", "food"]
]
LONG = " ".join(ADVICE)


def turns(*said: tuple[str, str]) -> list[Turn]:
    return [
        Turn(turn_id=f"t{place}", role=role, content=content, occurred_at=START + timedelta(minutes=place))
        for place, (role, content) in enumerate(said)
    ]


def shown(*said: tuple[str, str], context: int = 0) -> list[str]:
    """Return what the prompt shows of these turns, those of the context first."""
    told = turns(*said)
    request = ExtractionRequest(turns=told[context:], context=told[:context])
    lines = format_request(request).split("\n")
    return [line.split(": ", 1)[1] for line in lines if line.startswith(("- ", "["))]


def answer_shown(before: str, answer: str, *after: str) -> str:
    return shown(("user", before), ("assistant", answer), *(("user", text) for text in after))[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_concerns_the_user_is_shown_in_every_language(language: str):
    told = LANGUAGES[language]
    excerpt = answer_shown(told.asked, told.text)

    for part in (told.opening, told.matter, told.undertaking, told.question):
        assert part in excerpt
    left_out = [sentence for sentence in told.advice if sentence not in excerpt]
    assert len(left_out) >= len(told.advice) // 2
    assert tokens.estimate(excerpt) < tokens.estimate(told.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_items_of_a_list_are_named_where_the_user_chooses_by_their_place(language: str):
    told = LANGUAGES[language]
    excerpt = answer_shown(told.asked, told.text, told.choice)

    assert all(head in excerpt for head, _ in told.items)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_item_that_the_user_takes_up_is_shown(language: str):
    told = LANGUAGES[language]
    head, rest = told.items[1]
    reply = f"{told.asked} {head}!" + " " * 240
    assert f"{head}**: {rest}" in answer_shown(told.asked, told.text, reply)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_context_shows_what_the_first_message_of_the_batch_answers(language: str):
    told = LANGUAGES[language]
    context, _ = shown(("assistant", told.text), ("user", told.choice), context=1)

    assert told.question in context
    assert all(head in context for head, _ in told.items)


@pytest.mark.parametrize(
    ("before", "sentence", "reply"),
    [
        ("I fly on 14 July.", "Check in from 13 July on, since the flight of 14 July is often full.", ""),
        ("My flat costs 1,150 euros.", "With 1,150 euros you pay more than most.", ""),
        ("I have a job interview at Nortec.", "At Nortec they like short answers.", ""),
        ("What shall I read?", "You could begin with Middlemarch, which is long.", "I'll get Middlemarch then. " * 12),
        ("How do I sleep better?", "I'd drop the coffee after noon.", ""),
        ("How do I sleep better?", "I have noted the appointment on Monday.", ""),
        ("What is new?", "Your train to Bergen leaves from platform 7 at 9:14.", ""),
        ("What is new?", "Perhaps your colleague Nyberg would help.", ""),
        ("How do I sleep better?", "What is your bedtime?", "Eleven."),
        ("Where to?", "You could go by train, which is slow.", "The train then, if you say so! I like slow. " * 6),
        ("Where to?", "Option B is the train, which is slow.", "B it is"),
        ("Where to?", "Option 2 would be the night bus.", "let us do 2"),
        ("How do I sleep better?", "My recommendation: no screens after nine.", ""),
    ],
)
def test_a_sentence_of_use_is_shown_wherever_it_stands(before: str, sentence: str, reply: str):
    for place in range(1, len(ADVICE), 4):
        answer = " ".join([*ADVICE[:place], sentence, *ADVICE[place:]])
        assert sentence in answer_shown(before, answer, *filter(None, [reply]))


def test_the_answer_is_shown_more_of_where_the_reply_says_nothing_without_it():
    answer = f"{LONG} One way is the train. Another is the bus. {LONG}"
    assert tokens.estimate(answer_shown("Where to?", answer, "the latter")) >= SHOWN_TOKENS - 40
    assert tokens.estimate(answer_shown("Where to?", answer)) < SHOWN_TOKENS // 2


@pytest.mark.parametrize(
    "reply",
    ["The third one.", "B", "3", "#2 please", "the latter", "Both!", "yes", "Let's do option C", "none of these"],
)
def test_short_replies_are_shown_the_heads_of_the_list(reply: str):
    items = ["A) Lisbon: warm and hilly.", "B) Porto: rain and wine.", "C) Faro: beaches.", "D) Braga: churches."]
    excerpt = answer_shown("Where to?", f"{LONG}\n\n" + "\n".join(items) + f"\n\n{LONG}", reply)
    assert all(city in excerpt for city in ("A) Lisbon", "B) Porto", "C) Faro", "D) Braga"))


def test_a_list_is_not_shown_for_a_message_about_something_else():
    items = "\n".join(f"{number}. **Tip {number}**: general advice." for number in range(1, 9))
    reply = "By the way, on Sunday my sister Ines visits us with her children, and I want to bake a cake for them all."
    excerpt = answer_shown("How do I sleep better?", f"{LONG}\n\n{items}\n\n{LONG}", reply)
    assert "**Tip 4**" not in excerpt


def test_code_tables_and_formulas_of_an_answer_are_left_out():
    code = "```python\n" + "\n".join(f"value_{number} = compute({number})" for number in range(30)) + "\n```"
    table = "| Month | Days |\n|---|---|\n" + "\n".join(f"| {number} | 30 |" for number in range(1, 13))
    formula = "\\[\n" + "a^2 + b^2 = c^2\n" * 8 + "\\]"
    answer = f"Here you are.\n{code}\nAnd a table:\n{table}\nFurther:\n{formula}\nDoes it work on your machine?"

    excerpt = answer_shown("I program a calendar.", answer)

    assert "compute" not in excerpt and "| 7 |" not in excerpt and "a^2" not in excerpt
    assert "[... code, 32 lines" in excerpt and "table, 14 lines ...]" in excerpt
    assert excerpt.startswith("Here you are.") and excerpt.endswith("Does it work on your machine?")


def test_an_answer_of_one_endless_sentence_is_cut_between_words():
    answer = "the words go on and on, without any end, " * 400
    excerpt = answer_shown("Hello Ana", answer)
    assert tokens.estimate(excerpt) < 2 * SHOWN_TOKENS
    for piece in excerpt.split(" [...] "):
        assert f" {piece.strip()} " in f" {answer} "


@pytest.mark.parametrize("role", ["assistant", "system", "developer", "tool", "function"])
def test_what_no_person_says_is_shortened(role: str):
    assert "[...]" in shown((role, LONG))[0]


@pytest.mark.parametrize("role", ["user", "exchange"])
def test_what_people_say_is_shown_whole(role: str):
    assert shown((role, LONG)) == [LONG]


def test_a_short_answer_is_shown_whole():
    short = LONG[: 4 * SHOWN_TOKENS]
    assert shown(("assistant", short)) == [short]


def test_the_cut_counts_about_what_is_shown():
    assert cut.shown_tokens("user", 5_000) == cut.shown_tokens("exchange", 5_000) == 5_000
    assert cut.shown_tokens("assistant", 90) == 90
    assert cut.shown_tokens("assistant", 5_000) == cut.shown_tokens("tool", 5_000) == cut.MOST_SHOWN_TOKENS
    assert SHOWN_TOKENS <= cut.MOST_SHOWN_TOKENS <= 1.5 * SHOWN_TOKENS


def test_a_quote_of_a_piece_is_found_and_one_across_a_mark_is_not():
    told = LANGUAGES["en"]
    excerpt = answer_shown(told.asked, told.text).replace("\\n", "\n")
    whole = verification.normalise(told.text)
    first, second, *_ = excerpt.split(" [...] ")

    assert verification.normalise(first) in whole and verification.normalise(second) in whole
    assert verification.normalise(f"{first} [...] {second}") not in whole
    assert verification.normalise(f"{first[-20:]} {second[:20]}") not in whole


_PARTS = st.sampled_from(
    [
        "Bruno limps. ",
        "I'll call you at 9. ",
        "\n",
        "\n\n",
        "1. **Tea**: warm. ",
        "- milk\n",
        "### Step 2\n",
        "```\nx = 1\ny = f(x)\n```\n",
        "| a | b |\n",
        "\\[\nx\n\\]\n",
        "> quoted\n",
        "狗从星期二开始一瘸一拐。",
        "वह लंगड़ा रहा है।",
        "หมาเดินกะเผลก ",
        "[...] ",
        "words without an end and more of them ",
        "x" * 230,
        "?",
        "{\n",
        "\x85",
    ]
)
_ANSWERS = st.lists(st.one_of(_PARTS, st.text(max_size=30)), max_size=120).map("".join)


def pieces_of(excerpt: str) -> list[str]:
    return prompt.ShownTurn(1, "assistant", "", excerpt).pieces


@given(_ANSWERS, st.text(max_size=60), st.integers(10, 300))
@settings(max_examples=300)
def test_pieces_are_verbatim_in_order_and_never_longer_than_the_turn(answer: str, reply: str, limit: int):
    around = Around(before=frozenset({"bruno", "tea"}), reply=reply, after=frozenset({"milk", "limps"}))
    excerpt = shorten(answer, around, limit_tokens=limit)

    assert len(excerpt) <= max(len(answer), len(answer.strip()))
    assert excerpt == shorten(answer, around, limit_tokens=limit)
    place = 0
    for piece in pieces_of(excerpt):
        found = answer.find(piece.strip(), place)
        assert found >= 0
        place = found + len(piece.strip())


@given(_ANSWERS)
@settings(max_examples=100)
def test_little_more_than_the_limit_is_shown(answer: str):
    excerpt = shorten(answer, Around())
    assert tokens.estimate(excerpt) <= max(SHOWN_TOKENS, 3 * answers.SHOWN_TOKENS)


HUGE = {
    "words": "word " * 70_000,
    "sentences": "It rains on Bruno again. " * 14_000,
    "lines": "- It rains\n" * 31_000,
    "one word": "x" * 350_000,
    "fences": "```\n" * 87_000,
    "brackets": "[{" * 175_000,
    "bracket lines": "{\n" * 175_000,
    "formulas": "\\[ x\n" * 70_000,
    "pipes": "|" * 350_000,
    "blank lines": "\n" * 350_000,
    "code and blank lines": ("x = f(1);\n" + "\n" * 40) * 7_000,
    "headers": "From: a\n" * 43_000,
    "items": "1. **Tea**: warm\n" * 20_000,
    "Chinese": "狗从星期二开始一瘸一拐。" * 29_000,
    "Thai": "หมาเดินกะเผลก " * 25_000,
    "dots": "." * 350_000,
    "stars": "*" * 350_000,
    "blanks": " " * 350_000 + "x",
    "spaced brackets": "( " * 175_000,
}


@pytest.mark.parametrize("kind", HUGE)
@pytest.mark.parametrize("role", ["assistant", "user"])
def test_the_time_of_a_huge_turn_grows_with_its_length(kind: str, role: str):
    def make(size: int) -> ExtractionRequest:
        said = turns(("user", "Bruno limps since Tuesday."), (role, HUGE[kind][-size:]), ("user", "The second one"))
        return ExtractionRequest(turns=said)

    assert_time_is_proportional(lambda request: list(turn_lines.turn_lines(request, UTC)), make, 100_000)


def test_marks_are_longer_than_no_gap_that_they_stand_for():
    assert len(f" {spans.LEFT_OUT} ") < spans.SHORTEST_GAP_CHARACTERS
