"""A person's facts: extracted facts never supersede them, and are recorded as challenges."""

from __future__ import annotations

from tests.knowledge.case import Case, DeleteFact, PinFact, UnpinFact, add_fact, batch, correct_fact, fact, model, user

_LISBON = "Ana lives in Lisbon."
_HEARD_LISBON = batch(user("2023-05-01", "I live in Lisbon."), model(fact(_LISBON, lives_in="Lisbon")))
_HEARD_PORTO = batch(user("2024-05-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto")))
_HEARD_PORTO_AGAIN = batch(user("2024-06-01", "Porto!"), model(fact("Ana lives in Porto.", lives_in="Porto")))

CASES = [
    Case(
        "a person corrects an extracted fact",
        [_HEARD_LISBON, correct_fact(_LISBON, "Ana lives in Leiria.", lives_in="Leiria")],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person")],
        true_on={"2023-05-02": ["Ana lives in Leiria."]},
        believed_after={1: [_LISBON], 2: ["Ana lives in Leiria."]},
    ),
    Case(
        "a person's correction stays against later turns",
        [_HEARD_LISBON, correct_fact(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"), _HEARD_PORTO],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
        history={"Ana lives in Leiria.": [_LISBON, "Ana lives in Porto.", "Ana lives in Leiria."]},
        true_on={"2024-06-01": ["Ana lives in Leiria."]},
        believed_after={3: ["Ana lives in Leiria."]},
    ),
    Case(
        "a person's change holds since the given time",
        [_HEARD_LISBON, correct_fact(_LISBON, "Ana lives in Leiria.", since="2024-01-01", lives_in="Leiria")],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person")],
        true_on={"2023-06-01": [_LISBON], "2024-02-01": ["Ana lives in Leiria."]},
    ),
    Case(
        "a turn agrees with a person's fact",
        [add_fact(_LISBON, lives_in="Lisbon"), _HEARD_LISBON],
        current=[_LISBON],
        times_seen={_LISBON: 2},
        quotes={_LISBON: ["I live in Lisbon.", _LISBON]},
    ),
    Case(
        "a pinned fact stays against later turns",
        [_HEARD_LISBON, PinFact(_LISBON), _HEARD_PORTO],
        current=[_LISBON],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "the judge cannot end a person's fact",
        [
            add_fact("Ana is a vegetarian."),
            batch(user("2023-05-01", "I had steak."), model(fact("Ana eats meat."))),
        ],
        current=["Ana is a vegetarian."],
        ended=[("Ana eats meat.", "challenge")],
        replaces=[("Ana is a vegetarian.", "Ana eats meat.")],
    ),
    Case(
        "a person's fact ends the facts that the judge names",
        [
            batch(user("2023-05-01", "I had steak."), model(fact("Ana eats meat."))),
            add_fact("Ana is a vegetarian."),
        ],
        current=["Ana is a vegetarian."],
        ended=[("Ana eats meat.", "person")],
        replaces=[("Ana is a vegetarian.", "Ana eats meat.")],
    ),
    Case(
        "a deleted fact can be said again",
        [
            _HEARD_LISBON,
            DeleteFact(_LISBON),
            batch(user("2023-06-01", "I said Lisbon!"), model(fact(_LISBON, lives_in="Lisbon"))),
        ],
        current=[_LISBON],
        ended=[(_LISBON, "deleted")],
        times_seen={_LISBON: 1},
        true_on={"2023-05-02": [], "2023-06-02": [_LISBON]},
        believed_after={1: [_LISBON], 2: [], 3: [_LISBON]},
    ),
    Case(
        "a person's later fact supersedes their earlier one",
        [add_fact(_LISBON, lives_in="Lisbon"), add_fact("Ana lives in Porto.", lives_in="Porto")],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person")],
    ),
    Case(
        "a person corrects twice",
        [
            _HEARD_LISBON,
            correct_fact(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"),
            correct_fact("Ana lives in Leiria.", "Ana lives in Loures.", lives_in="Loures"),
        ],
        current=["Ana lives in Loures."],
        ended=[(_LISBON, "person"), ("Ana lives in Leiria.", "person")],
        history={"Ana lives in Loures.": [_LISBON, "Ana lives in Leiria.", "Ana lives in Loures."]},
        believed_after={1: [_LISBON], 2: ["Ana lives in Leiria."], 3: ["Ana lives in Loures."]},
    ),
    Case(
        "a repeated turn agrees with the correction",
        [
            _HEARD_LISBON,
            correct_fact(_LISBON, "Ana lives in Porto.", lives_in="Porto"),
            _HEARD_PORTO,
        ],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person")],
        times_seen={"Ana lives in Porto.": 2},
    ),
    Case(
        "an import from before the correction is recorded as a challenge",
        [
            add_fact("Ana lives in Leiria.", lives_in="Leiria"),
            batch(user("2020-05-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a challenge said twice is one challenge",
        [
            add_fact(_LISBON, lives_in="Lisbon"),
            _HEARD_PORTO,
            batch(user("2024-06-01", "Porto, I said."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=[_LISBON],
        ended=[("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a pinned fact stays pinned after a person's correction",
        [
            _HEARD_LISBON,
            PinFact(_LISBON),
            correct_fact(_LISBON, "Ana lives in Leiria.", lives_in="Leiria"),
            _HEARD_PORTO,
        ],
        current=["Ana lives in Leiria."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a fact that the judge merges with a person's fact is the person's",
        [
            batch(user("2023-05-01", "I'm a keen cyclist."), model(fact("Ana is a keen cyclist."))),
            add_fact("Ana loves cycling."),
            batch(user("2023-06-01", "I gave up the bicycle."), model(fact("Ana gave up cycling."))),
        ],
        current=["Ana loves cycling."],
        ended=[("Ana is a keen cyclist.", "merged"), ("Ana gave up cycling.", "challenge")],
        same=[("Ana is a keen cyclist.", "Ana loves cycling.")],
        replaces=[("Ana loves cycling.", "Ana gave up cycling.")],
    ),
    Case(
        "a challenge supersedes a fact that is unpinned",
        [_HEARD_LISBON, PinFact(_LISBON), _HEARD_PORTO, UnpinFact(_LISBON), _HEARD_PORTO_AGAIN],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "newer_value"), ("Ana lives in Porto.", "challenge")],
    ),
    Case(
        "a person enters the statement of a challenge",
        [
            add_fact(_LISBON, lives_in="Lisbon"),
            _HEARD_PORTO,
            add_fact("Ana lives in Porto.", lives_in="Porto"),
        ],
        current=["Ana lives in Porto."],
        ended=[(_LISBON, "person"), ("Ana lives in Porto.", "challenge")],
        times_seen={"Ana lives in Porto.": 2},
    ),
    Case(
        "a correction needs no judging call",
        [
            batch(
                user("2023-05-01", "I live in Lisbon, and I sing."),
                model(fact(_LISBON, lives_in="Lisbon", quote="I live in Lisbon"), fact("Ana sings.", quote="I sing")),
            ),
            correct_fact("Ana sings.", "Ana sings in a choir."),
        ],
        current=[_LISBON, "Ana sings in a choir."],
        ended=[("Ana sings.", "person")],
        # The judge would say this if it were asked.
        replaces=[(_LISBON, "Ana sings in a choir.")],
        judging_calls=0,
    ),
]
