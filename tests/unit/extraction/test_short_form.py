"""The short form of answers: joined fields become the fields of a candidate, in the variants that models write."""

import json
from datetime import UTC, datetime

import pytest

from afterturn.candidate import UNKNOWN_TURN
from afterturn.extraction import answer
from afterturn.relation import Relation

FACT = {
    "text": "Ana lives in Lisbon since May 2023.",
    "life": "lasting",
    "category": "home",
    "topics": ["home"],
    "about": "Ana | lives_in | Lisbon",
    "when": "2023-05/..",
    "weight": 0.7,
    "known": ["K3 replaces"],
    "quotes": ["2: I moved to Lisbon in May"],
}


def read(**changes):
    text = json.dumps({"facts": [FACT | changes], "episode": None})
    [candidate] = answer.parse(text).facts
    return candidate


def day(year, month=1, number=1):
    return datetime(year, month, number, tzinfo=UTC)


def test_all_fields_are_read():
    candidate = read()

    assert (candidate.subject, candidate.attribute, candidate.value) == ("Ana", "lives_in", "Lisbon")
    assert (candidate.valid_from, candidate.valid_to, candidate.importance) == (day(2023, 5), None, 0.7)
    assert [(known.known, known.relation) for known in candidate.known] == [("K3", Relation.REPLACES)]
    assert [(quote.turn, quote.quote) for quote in candidate.evidence] == [(2, "I moved to Lisbon in May")]


@pytest.mark.parametrize(
    ("when", "begins", "ends"),
    [
        ("", None, None),
        ("2023", day(2023), None),
        (2023, day(2023), None),
        ("2023-05", day(2023, 5), None),
        ("2023-05-07", day(2023, 5, 7), None),
        ("2023-W19", day(2023, 5, 8), None),
        ("2023-05-01/2023-05-07", day(2023, 5), day(2023, 5, 8)),
        ("2023-W19/2023-W19", day(2023, 5, 8), day(2023, 5, 15)),
        ("2021/..", day(2021), None),
        ("2021/", day(2021), None),
        ("../2023-06", None, day(2023, 7)),
        ("/2023-06", None, day(2023, 7)),
        ("2023-05/2023-06", day(2023, 5), day(2023, 7)),
        ("next May", None, None),
        ("../..", None, None),
        (None, None, None),
        ([], None, None),
        ("2023-13", None, None),
        ("2023-W60", None, None),
    ],
)
def test_a_time_is_a_day_or_a_span(when, begins, ends):
    candidate = read(when=when)

    assert (candidate.valid_from, candidate.valid_to) == (begins, ends)


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ("", (None, None, None)),
        ("Ana | lives_in | Lisbon", ("Ana", "lives_in", "Lisbon")),
        ("Ana|lives_in|Lisbon", ("Ana", "lives_in", "Lisbon")),
        ("Ana | motto | now | never", ("Ana", "motto", "now | never")),
        ("Ana | lives_in", (None, None, None)),
        ("Ana | lives_in | ", (None, None, None)),
        (" | lives_in | Lisbon", (None, None, None)),
        (None, (None, None, None)),
        (7, (None, None, None)),
    ],
)
def test_a_property_has_three_parts(about, named):
    candidate = read(about=about)

    assert (candidate.subject, candidate.attribute, candidate.value) == named


@pytest.mark.parametrize(
    ("known", "relations", "corrects"),
    [
        ([], [], False),
        (None, [], False),
        ("K3 replaces", [("K3", "replaces")], False),
        (["K3: same"], [("K3", "same")], False),
        (["refines K12"], [("K12", "refines")], False),
        (["[k4] ends"], [("K4", "ends")], False),
        (["K3 contradicts"], [("K3", "contradicts")], False),
        (["K3 replaces", "K4 ends"], [("K3", "replaces"), ("K4", "ends")], False),
        (["K3, K4 replaces"], [("K3", "replaces"), ("K4", "replaces")], False),
        (["K3 corrects"], [("K3", "replaces")], True),
        (["corrects"], [], True),
        (["K3"], [], False),
        (["K3 unrelated"], [], False),
        (["N1 same"], [], False),
        ([7, {"known": "K3"}], [], False),
    ],
)
def test_relations_are_read_by_label_and_word(known, relations, corrects):
    candidate = read(known=known)

    assert [(one.known, one.relation.value) for one in candidate.known] == relations
    assert candidate.corrects is corrects


@pytest.mark.parametrize(
    ("quote", "turn", "words"),
    [
        ("2: I moved", 2, "I moved"),
        ("[2] I moved", 2, "I moved"),
        ("[2]: I moved", 2, "I moved"),
        ("turn 2: I moved", 2, "I moved"),
        ("2. I moved", 2, "I moved"),
        ("2: at 10: 30", 2, "at 10: 30"),
        ("I moved", UNKNOWN_TURN, "I moved"),
        ({"turn": 2, "quote": "I moved"}, 2, "I moved"),
    ],
)
def test_a_quote_begins_with_the_number_of_its_turn(quote, turn, words):
    [found] = read(quotes=[quote]).evidence

    assert (found.turn, found.quote) == (turn, words)


def test_a_single_fact_without_the_form_around_it_is_read():
    assert [fact.text for fact in answer.parse(json.dumps(FACT)).facts] == [FACT["text"]]
    assert [fact.text for fact in answer.parse(json.dumps([FACT])).facts] == [FACT["text"]]
