"""A person's word against the model's: it is never overwritten by what is extracted, only challenged."""

from __future__ import annotations

from tests.knowledge.case import Case, Deletes, Pins, adds, corrects, fact, heard, model, user

_LISBON = "Ana lives in Lisbon."
_HEARD_LISBON = heard(user("2023-05-01", "I live in Lisbon."), model(fact(_LISBON, lives_in="Lisbon")))
_HEARD_PORTO = heard(user("2024-05-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto")))

CASES = [
    Case(
        "a person corrects what was extracted",
        [_HEARD_LISBON, corrects(_LISBON, "Ana lives in Leiria.", lives_in="Leiria")],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person")],
        true_on={"2023-05-02": ["Ana lives in Leiria."]},
        believed_after={1: [_LISBON], 2: ["Ana lives in Leiria."]},
    ),
    Case(
        "a person's correction stands against what is heard later",
        [_HEARD_LISBON, corrects(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"), _HEARD_PORTO],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
        true_on={"2024-06-01": ["Ana lives in Leiria."]},
        believed_after={3: ["Ana lives in Leiria."]},
    ),
    Case(
        "a person's change holds since they say",
        [_HEARD_LISBON, corrects(_LISBON, "Ana lives in Leiria.", since="2024-01-01", lives_in="Leiria")],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person")],
        true_on={"2023-06-01": [_LISBON], "2024-02-01": ["Ana lives in Leiria."]},
    ),
    Case(
        "what is heard agrees with what a person entered",
        [adds(_LISBON, lives_in="Lisbon"), _HEARD_LISBON],
        current=[_LISBON],
        times_seen={_LISBON: 2},
        quotes={_LISBON: ["I live in Lisbon.", _LISBON]},
    ),
    Case(
        "a pinned fact is kept against what is heard",
        [_HEARD_LISBON, Pins(_LISBON), _HEARD_PORTO],
        current=[_LISBON],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "the judge cannot end a person's word either",
        [
            adds("Ana is a vegetarian."),
            heard(user("2023-05-01", "I had steak."), model(fact("Ana eats meat."))),
        ],
        current=["Ana is a vegetarian."],
        ended=[("Ana eats meat.", "challenge")],
        replaces=[("Ana is a vegetarian.", "Ana eats meat.")],
    ),
    Case(
        "what a person adds ends what the judge names",
        [
            heard(user("2023-05-01", "I had steak."), model(fact("Ana eats meat."))),
            adds("Ana is a vegetarian."),
        ],
        current=["Ana is a vegetarian."],
        ended=[("Ana eats meat.", "person")],
        replaces=[("Ana is a vegetarian.", "Ana eats meat.")],
    ),
    Case(
        "what a person deleted may be said again",
        [
            _HEARD_LISBON,
            Deletes(_LISBON),
            heard(user("2023-06-01", "I said Lisbon!"), model(fact(_LISBON, lives_in="Lisbon"))),
        ],
        current=[_LISBON],
        ended=[(_LISBON, "deleted")],
        times_seen={_LISBON: 1},
        true_on={"2023-05-02": [], "2023-06-02": [_LISBON]},
        believed_after={1: [_LISBON], 2: [], 3: [_LISBON]},
    ),
    Case(
        "a person's later word beats their earlier one",
        [adds(_LISBON, lives_in="Lisbon"), adds("Ana lives in Porto.", lives_in="Porto")],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person")],
    ),
]
