"""The details that make two statements of similar text different facts."""

import pytest

from afterturn.consolidation import text_comparison


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana ran 10 km.", "Ana ran 12 km."),
        ("Ana ran 1.5 km.", "Ana ran 1,5 km, then 5 more."),
        ("Ana was born in 1990.", "Ana was born in 1991."),
        ("Ana has two cats.", "Ana has three cats."),
        ("Ana has 2 cats.", "Ana has three cats."),
        ("Ana came first.", "Ana came second."),
        ("The class is on Monday.", "The class is on Tuesday."),
        ("Ana left in May 2023.", "Ana left in June 2023."),
        ("Ana runs 5 km.", "Ana runs 5 miles."),
        ("Ana runs 5km.", "Ana runs 5mi."),
        ("The rent is €900.", "The rent is $900."),
        ("The rent is 900 euros.", "The rent is 900 dollars."),
        ("Ana wakes at 6 am.", "Ana wakes at 6 pm."),
        ("Ana pays weekly.", "Ana pays monthly."),
        ("Ana eats fish.", "Ana does not eat fish."),
        ("Ana eats fish.", "Ana doesn't eat fish."),
        ("Ana eats fish.", "Ana doesn\u2019t eat fish."),
        ("Ana has been to Rome.", "Ana has never been to Rome."),
        ("Ana smokes.", "Ana stopped smoking."),
        ("Ana drinks.", "Ana hardly drinks."),
        ("Ana met Rui.", "Ana met Ruth."),
        ("Ana met Jon.", "Ana met John."),
        ("Maria gave Ana a book.", "Marta gave Ana a book."),
        ("Ana lives in São Paulo.", "Ana lives in São Pedro."),
        ("Élodie met Ana.", "Éloi met Ana."),
    ],
)
def test_statements_that_differ_in_a_detail(one, other):
    assert text_comparison.differ_in_detail(one, other)
    assert text_comparison.differ_in_detail(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana is a keen cyclist.", "Ana is passionate about cycling."),
        ("Ana has two cats.", "Ana has 2 cats."),
        ("Ana lives in Porto.", "Ana has her home in porto."),
        ("Ana lives in Porto.", "Ana lives in Porto, Portugal."),
        ("The user lives in Porto.", "She lives in Porto."),
        ("Ana's sister is Rita.", "Rita is Ana's sister."),
        ("Ana is 30 years old.", "Ana is 30."),
        ("Ana runs 5 km.", "Ana runs 5 kilometres."),
        ("The rent is 900 €.", "The rent is 900 euros."),
        ("Ana never eats fish.", "Ana does not eat fish."),
        ("Reading is Ana's hobby.", "Ana's hobby is reading."),
        ("Ana's friend is O'Brien.", "O\u2019Brien is a friend of Ana's."),
    ],
)
def test_statements_that_differ_only_in_words(one, other):
    assert not text_comparison.differ_in_detail(one, other)
    assert not text_comparison.differ_in_detail(other, one)


@pytest.mark.parametrize(
    ("one", "other", "adds_nothing"),
    [
        ("Ana plays tennis.", "Ana plays tennis with Rui.", True),
        ("Ana plays tennis with Rui.", "Ana plays tennis.", False),
        ("Ana is now a nurse.", "Ana works as a nurse.", True),
        ("Ana's cat is ill.", "Ana has a cat that is ill.", True),
    ],
)
def test_statements_that_add_no_words(one, other, adds_nothing):
    assert text_comparison.adds_no_words_to(one, other) is adds_nothing


@pytest.mark.parametrize(
    ("one", "other", "are_two"),
    [
        ("Maria, Ana's sister, sings.", "Maria, Ana's colleague, sings.", True),
        ("Maria, Ana's sister, sings.", "Maria sings.", False),
        ("Maria, Ana's sister, sings.", "Ana's sister Maria paints.", False),
        ("Tom is Ana's friend and boss.", "Tom, Ana's boss, sings.", False),
        ("Ana's dog Max barks.", "Ana's son Max sings.", True),
    ],
)
def test_statements_about_different_people_with_one_name(one, other, are_two):
    assert text_comparison.name_different_relations(one, other) is are_two
    assert text_comparison.name_different_relations(other, one) is are_two
