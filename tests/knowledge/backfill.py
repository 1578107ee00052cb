"""Old conversations that arrive late: the statement said last is current, in any order of arrival."""

from __future__ import annotations

from itertools import permutations

from tests.knowledge.case import BatchStep, Case, batch, fact, model, user

_CITIES = {"2021-01-01": "Faro", "2022-01-01": "Braga", "2023-01-01": "Evora"}


def _lives(when: str, city: str) -> BatchStep:
    session = f"import-{when}"
    return batch(user(when, f"I live in {city}."), model(fact(f"Ana lives in {city}.", lives_in=city)), session=session)


_IN_EVERY_ORDER = [
    Case(
        f"three homes arrive as {', '.join(order)}",
        [_lives(when, city) for when in order for city in [_CITIES[when]]],
        current=["Ana lives in Evora."],
        ended=[("Ana lives in Braga.", "newer_value"), ("Ana lives in Faro.", "newer_value")],
        true_on={
            "2020-06-01": [],
            "2021-06-01": ["Ana lives in Faro."],
            "2022-06-01": ["Ana lives in Braga."],
            "2023-06-01": ["Ana lives in Evora."],
        },
        # The newest of the statements that had arrived by then; later arrivals do not change this.
        believed_after={step: [f"Ana lives in {_CITIES[max(order[:step])]}."] for step in range(1, len(order) + 1)},
    )
    for order in permutations(_CITIES)
]

CASES = [
    *_IN_EVERY_ORDER,
    Case(
        "an earlier repetition moves the start back",
        [
            _lives("2023-01-01", "Faro"),
            _lives("2021-01-01", "Faro"),
        ],
        current=["Ana lives in Faro."],
        times_seen={"Ana lives in Faro.": 2},
        true_on={"2020-06-01": [], "2021-06-01": ["Ana lives in Faro."]},
    ),
    Case(
        "a repetition of a former value",
        [
            _lives("2021-01-01", "Faro"),
            _lives("2023-01-01", "Braga"),
            _lives("2022-01-01", "Faro"),
        ],
        current=["Ana lives in Braga."],
        ended=[("Ana lives in Faro.", "newer_value")],
        true_on={"2022-06-01": ["Ana lives in Faro."]},
    ),
    Case(
        "a value between two mentions of another",
        [
            _lives("2021-01-01", "Faro"),
            _lives("2023-01-01", "Faro"),
            _lives("2022-01-01", "Braga"),
        ],
        current=["Ana lives in Faro."],
        ended=[("Ana lives in Braga.", "newer_value")],
        times_seen={"Ana lives in Faro.": 2},
        # No turn says when in 2022 she was back: the statements about Faro stay one fact.
        true_on={"2022-06-01": ["Ana lives in Braga.", "Ana lives in Faro."], "2023-06-01": ["Ana lives in Faro."]},
        valid_times={"Ana lives in Braga.": (None, "2023-01-01")},
    ),
    Case(
        "the statement that the judge ends arrives first",
        [
            batch(user("2023-06-01", "I sold my car."), model(fact("Ana sold her car."))),
            batch(user("2022-06-01", "I bought a car."), model(fact("Ana owns a car.", owns="car")), session="import"),
        ],
        current=["Ana sold her car."],
        ended=[("Ana owns a car.", "judged")],
        replaces=[("Ana owns a car.", "Ana sold her car.")],
        true_on={"2022-07-01": ["Ana owns a car."], "2023-07-01": ["Ana sold her car."]},
    ),
    Case(
        "a repetition of a fact that the judge ended",
        [
            batch(user("2022-01-01", "I bought a car."), model(fact("Ana owns a car.", owns="car"))),
            batch(user("2023-06-01", "I sold my car."), model(fact("Ana sold her car."))),
            batch(user("2022-06-01", "My car is fine."), model(fact("Ana owns a car.", owns="car")), session="import"),
        ],
        current=["Ana sold her car."],
        ended=[("Ana owns a car.", "judged")],
        replaces=[("Ana owns a car.", "Ana sold her car.")],
        true_on={"2022-07-01": ["Ana owns a car."], "2023-07-01": ["Ana sold her car."]},
        judging_calls=1,
    ),
    Case(
        "said twice in one batch, and already superseded when it arrives",
        [
            batch(user("2023-06-01", "I sold my car."), model(fact("Ana sold her car."))),
            batch(
                user("2022-06-01", "I bought a car."),
                user("2022-06-02", "I love my car."),
                model(fact("Ana owns a car.", owns="car"), fact("Ana owns a car.", owns="car", turn=2)),
                session="import",
            ),
        ],
        current=["Ana sold her car."],
        ended=[("Ana owns a car.", "judged")],
        replaces=[("Ana owns a car.", "Ana sold her car.")],
    ),
    Case(
        "an earlier opposite arrives later",
        [
            batch(user("2023-06-01", "I hate olives."), model(fact("Ana hates olives.", dislikes="olives"))),
            batch(
                user("2020-06-01", "I love olives."), model(fact("Ana loves olives.", likes="olives")), session="import"
            ),
        ],
        current=["Ana hates olives."],
        ended=[("Ana loves olives.", "newer_value")],
        true_on={"2021-01-01": ["Ana loves olives."], "2024-01-01": ["Ana hates olives."]},
    ),
    Case(
        "an import of 2023 has the dates of 2023",
        [
            batch(user("2023-03-01", "I adopted a dog."), model(fact("Ana has a dog.", owns="dog")), session="import"),
        ],
        current=["Ana has a dog."],
        true_on={"2023-02-28": [], "2023-03-01": ["Ana has a dog."]},
    ),
]
