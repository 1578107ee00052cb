"""A person's word against the model's: it is never overwritten by what is extracted, only challenged."""

from __future__ import annotations

from tests.knowledge.case import Case, Deletes, Pins, Unpins, adds, corrects, fact, heard, model, user

_LISBON = "Ana lives in Lisbon."
_HEARD_LISBON = heard(user("2023-05-01", "I live in Lisbon."), model(fact(_LISBON, lives_in="Lisbon")))
_HEARD_PORTO = heard(user("2024-05-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto")))
_HEARD_PORTO_AGAIN = heard(user("2024-06-01", "Porto!"), model(fact("Ana lives in Porto.", lives_in="Porto")))

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
        history={"Ana lives in Leiria.": [_LISBON, "Ana lives in Porto.", "Ana lives in Leiria."]},
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
    Case(
        "a person corrects twice",
        [
            _HEARD_LISBON,
            corrects(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"),
            corrects("Ana lives in Leiria.", "Ana lives in Loures.", lives_in="Loures"),
        ],
        current=["Ana lives in Loures."],
        ended=[(_LISBON, "person"), ("Ana lives in Leiria.", "person")],
        history={"Ana lives in Loures.": [_LISBON, "Ana lives in Leiria.", "Ana lives in Loures."]},
        believed_after={1: [_LISBON], 2: ["Ana lives in Leiria."], 3: ["Ana lives in Loures."]},
    ),
    Case(
        "what is heard again agrees with the correction",
        [
            _HEARD_LISBON,
            corrects(_LISBON, "Ana lives in Porto.", lives_in="Porto"),
            _HEARD_PORTO,
        ],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person")],
        times_seen={"Ana lives in Porto.": 2},
    ),
    Case(
        "an import of before does not challenge what a person corrected, and says so",
        [
            adds("Ana lives in Leiria.", lives_in="Leiria"),
            heard(user("2020-05-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a challenge said twice is one challenge",
        [
            adds(_LISBON, lives_in="Lisbon"),
            _HEARD_PORTO,
            heard(user("2024-06-01", "Porto, I said."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=[_LISBON],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a pinned fact that a person corrects stays pinned against what is heard",
        [
            _HEARD_LISBON,
            Pins(_LISBON),
            corrects(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"),
            _HEARD_PORTO,
        ],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a person's word with the judge's same is theirs from then on",
        [
            heard(user("2023-05-01", "I'm a keen cyclist."), model(fact("Ana is a keen cyclist."))),
            adds("Ana loves cycling."),
            heard(user("2023-06-01", "I gave up the bicycle."), model(fact("Ana gave up cycling."))),
        ],
        current=["Ana loves cycling."],
        ended=[("Ana is a keen cyclist.", "merged"), ("Ana gave up cycling.", "challenge")],
        same=[("Ana is a keen cyclist.", "Ana loves cycling.")],
        replaces=[("Ana loves cycling.", "Ana gave up cycling.")],
    ),
    Case(
        "what was a challenge takes the place of what is pinned no more",
        [_HEARD_LISBON, Pins(_LISBON), _HEARD_PORTO, Unpins(_LISBON), _HEARD_PORTO_AGAIN],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "newer_value"), ("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a person says what was a challenge",
        [
            adds(_LISBON, lives_in="Lisbon"),
            _HEARD_PORTO,
            adds("Ana lives in Porto.", lives_in="Porto"),
        ],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
        times_seen={"Ana lives in Porto.": 2},
    ),
    Case(
        "a correction says itself what it corrects: no judge is asked",
        [
            heard(
                user("2023-05-01", "I live in Lisbon, and I sing."),
                model(fact(_LISBON, lives_in="Lisbon", quote="I live in Lisbon"), fact("Ana sings.", quote="I sing")),
            ),
            corrects("Ana sings.", "Ana sings in a choir."),
        ],
        current=[_LISBON, "Ana sings in a choir."],
        ended=[("Ana sings.", "person")],
        # Whoever were asked would say so.
        replaces=[(_LISBON, "Ana sings in a choir.")],
        judging_calls=0,
    ),
]
