"""Similar statements that differ in numbers, units, names, dates or negation are not merged; equal ones are."""

from __future__ import annotations

from tests.knowledge.case import Case, batch, fact, model, user


def _never_merged(name: str, one: str, other: str) -> Case:
    """Return a case of two statements that are not merged, although the judge says that they are the same."""
    return Case(
        name,
        [
            batch(user("2023-05-01", "First thing."), model(fact(one))),
            batch(user("2023-06-01", "Second thing."), model(fact(other))),
        ],
        current=[one, other],
        same=[(one, other)],
        times_seen={one: 1, other: 1},
        judging_calls=1,
    )


CASES = [
    _never_merged("another number", "Ana ran 10 km along the river.", "Ana ran 12 km along the river."),
    _never_merged("another number in words", "Ana has two cats.", "Ana has three cats."),
    _never_merged("another unit", "Ana runs 5 km every morning.", "Ana runs 5 miles every morning."),
    _never_merged("another currency", "Ana's rent is €900.", "Ana's rent is $900."),
    _never_merged("another name at the end", "Ana had lunch with Rui.", "Ana had lunch with Ruth."),
    _never_merged("another name at the beginning", "Marta gave Ana a book.", "Maria gave Ana a book."),
    _never_merged("another date", "Ana saw the sea on 7 May 2023.", "Ana saw the sea on 8 May 2023."),
    _never_merged("another weekday", "Ana's class is on Monday.", "Ana's class is on Tuesday."),
    _never_merged("a not", "Ana eats fish.", "Ana does not eat fish."),
    _never_merged("a never", "Ana has been to Rome.", "Ana has never been to Rome."),
    _never_merged("another time of day", "Ana wakes up at 6 am.", "Ana wakes up at 6 pm."),
    _never_merged("another temperature", "Ana bakes at 200 degrees Celsius.", "Ana bakes at 200 degrees Fahrenheit."),
    _never_merged("another share", "Ana works 80 %.", "Ana works 60 %."),
    _never_merged("a decimal point", "Ana's tank holds 1.5 liters.", "Ana's tank holds 15 liters."),
    _never_merged("an allergy denied", "Ana is allergic to nuts.", "Ana is not allergic to nuts."),
    _never_merged("another year of a leap day", "Ana moved on 29 February 2020.", "Ana moved on 29 February 2024."),
    _never_merged("a contraction", "Ana can swim.", "Ana can't swim."),
    Case(
        "the same unit under another name",
        [
            batch(user("2023-05-01", "I run 5 km a day."), model(fact("Ana runs 5 km every day."))),
            batch(user("2023-06-01", "5 kilometers it is."), model(fact("Ana runs 5 kilometers daily."))),
        ],
        current=["Ana runs 5 km every day."],
        same=[("Ana runs 5 km every day.", "Ana runs 5 kilometers daily.")],
        times_seen={"Ana runs 5 km every day.": 2},
    ),
    Case(
        "two negations that say the same",
        [
            batch(user("2023-05-01", "I never eat meat."), model(fact("Ana never eats meat."))),
            batch(user("2023-06-01", "I don't eat meat."), model(fact("Ana does not eat meat."))),
        ],
        current=["Ana never eats meat."],
        same=[("Ana never eats meat.", "Ana does not eat meat.")],
        times_seen={"Ana never eats meat.": 2},
    ),
    Case(
        "the judge ends a denied statement",
        [
            batch(user("2023-05-01", "I have a car."), model(fact("Ana has a car.", owns="car"))),
            batch(user("2023-06-01", "I have no car any more."), model(fact("Ana has no car."))),
        ],
        current=["Ana has no car."],
        ended=[("Ana has a car.", "judged")],
        replaces=[("Ana has a car.", "Ana has no car.")],
        true_on={"2023-05-15": ["Ana has a car."], "2023-06-15": ["Ana has no car."]},
        believed_after={1: ["Ana has a car."], 2: ["Ana has no car."]},
    ),
    Case(
        "the judge merges other words for the same",
        [
            batch(user("2023-05-01", "I'm a keen cyclist."), model(fact("Ana is a keen cyclist."))),
            batch(user("2023-06-01", "Cycling is my thing!"), model(fact("Ana is passionate about cycling."))),
        ],
        current=["Ana is a keen cyclist."],
        same=[("Ana is a keen cyclist.", "Ana is passionate about cycling.")],
        times_seen={"Ana is a keen cyclist.": 2},
        quotes={"Ana is a keen cyclist.": ["I'm a keen cyclist.", "Cycling is my thing!"]},
    ),
    Case(
        "the same number in digits and in words",
        [
            batch(user("2023-05-01", "I have two cats."), model(fact("Ana has two cats."))),
            batch(user("2023-06-01", "My 2 cats are fine."), model(fact("Ana has 2 cats."))),
        ],
        current=["Ana has two cats."],
        same=[("Ana has two cats.", "Ana has 2 cats.")],
        times_seen={"Ana has two cats.": 2},
    ),
    Case(
        "the weight in another unit is a newer value",
        [
            batch(user("2023-05-01", "I weigh 70 kg."), model(fact("Ana weighs 70 kg.", weight="70 kg"))),
            batch(
                user("2023-09-01", "I'm at 70 pounds on this scale?"), model(fact("Ana weighs 70 lb.", weight="70 lb"))
            ),
        ],
        current=["Ana weighs 70 lb."],
        ended=[("Ana weighs 70 kg.", "newer_value")],
    ),
    Case(
        "the same value with another detail",
        [
            batch(
                user("2023-05-01", "I've been at Acme since 2019."),
                model(fact("Ana has worked at Acme since 2019.", works_at="Acme", since="2019-01-01")),
            ),
            batch(
                user("2023-06-01", "At Acme since 2018, to be exact."),
                model(fact("Ana has worked at Acme since 2018.", works_at="Acme", since="2018-01-01", corrects=True)),
            ),
        ],
        current=["Ana has worked at Acme since 2018."],
        ended=[("Ana has worked at Acme since 2019.", "correction")],
        true_on={"2018-06-01": ["Ana has worked at Acme since 2018."]},
    ),
    Case(
        "the judge replaces an amount",
        [
            batch(user("2023-05-01", "I've read 10 books."), model(fact("Ana has read 10 books this year."))),
            batch(user("2023-06-01", "12 by now."), model(fact("Ana has read 12 books this year."))),
        ],
        current=["Ana has read 12 books this year."],
        ended=[("Ana has read 10 books this year.", "judged")],
        replaces=[("Ana has read 10 books this year.", "Ana has read 12 books this year.")],
    ),
    Case(
        "the same text about another day is another event",
        [
            batch(
                user("2023-05-01", "Gave blood today."),
                model(fact("Ana gave blood.", category="event", since="2023-05-01")),
            ),
            batch(
                user("2023-09-01", "Gave blood again."),
                model(fact("Ana gave blood.", category="event", since="2023-09-01")),
            ),
            batch(
                user("2023-09-02", "Yesterday I gave blood."),
                model(fact("Ana gave blood.", category="event", since="2023-09-01")),
            ),
        ],
        current=["Ana gave blood.", "Ana gave blood."],
        same=[("Ana gave blood.", "Ana gave blood.")],
    ),
]
