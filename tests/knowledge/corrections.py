"""Corrections of mistakes: the corrected fact was never true, the new one was true from the beginning."""

from __future__ import annotations

from tests.knowledge.case import Case, RemoveTurn, batch, fact, model, user

CASES = [
    Case(
        "no, I meant",
        [
            batch(user("2023-05-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(
                user("2023-05-03", "No, I meant Leiria."),
                model(fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True)),
            ),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Lisbon.", "correction")],
        true_on={"2023-05-02": ["Ana lives in Leiria."], "2023-04-30": []},
        believed_after={1: ["Ana lives in Lisbon."], 2: ["Ana lives in Leiria."]},
    ),
    Case(
        "a correction of a changed value",
        [
            batch(user("2022-01-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(user("2023-01-01", "I moved to Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(
                user("2023-01-02", "To Leiria, I meant."),
                model(fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True)),
            ),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Faro.", "newer_value"), ("Ana lives in Lisbon.", "correction")],
        true_on={"2022-06-01": ["Ana lives in Faro."], "2023-01-01": ["Ana lives in Leiria."]},
    ),
    Case(
        "a double correction",
        [
            batch(user("2023-05-01", "I'm 34."), model(fact("Ana is 34.", age="34"))),
            batch(user("2023-05-02", "Sorry, 43."), model(fact("Ana is 43.", age="43", corrects=True))),
            batch(user("2023-05-03", "No, 35!"), model(fact("Ana is 35.", age="35", corrects=True))),
        ],
        current=["Ana is 35."],
        ended=[("Ana is 34.", "correction"), ("Ana is 43.", "correction")],
        true_on={"2023-05-01": ["Ana is 35."], "2023-05-02": ["Ana is 35."]},
        believed_after={1: ["Ana is 34."], 2: ["Ana is 43."], 3: ["Ana is 35."]},
        history={"Ana is 35.": ["Ana is 34.", "Ana is 43.", "Ana is 35."]},
    ),
    Case(
        "a correction back to the first value",
        [
            batch(user("2023-05-01", "I'm 34."), model(fact("Ana is 34.", age="34"))),
            batch(user("2023-05-02", "Sorry, 43."), model(fact("Ana is 43.", age="43", corrects=True))),
            batch(user("2023-05-03", "No, 34 was right."), model(fact("Ana is 34.", age="34", corrects=True))),
        ],
        current=["Ana is 34."],
        ended=[("Ana is 34.", "correction"), ("Ana is 43.", "correction")],
        true_on={"2023-05-01": ["Ana is 34."], "2023-05-02": ["Ana is 34."]},
        history={"Ana is 34.": ["Ana is 34.", "Ana is 43.", "Ana is 34."]},
    ),
    Case(
        "a correction within one batch",
        [
            batch(
                user("2023-05-01", "I live in Lisbon."),
                user("2023-05-01T12:01", "Leiria, I mean."),
                model(
                    fact("Ana lives in Lisbon.", lives_in="Lisbon"),
                    fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True, turn=2),
                ),
            ),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Lisbon.", "correction")],
        believed_after={1: ["Ana lives in Leiria."]},
    ),
    Case(
        "the judge sees the corrected day of an event",
        [
            batch(user("2023-05-01", "The dentist is on 9 May."), model(fact("Ana sees the dentist on 9 May 2023."))),
            batch(
                user("2023-05-02", "Wrong, on the 10th."),
                model(fact("Ana sees the dentist on 10 May 2023.", corrects=True)),
            ),
        ],
        current=["Ana sees the dentist on 10 May 2023."],
        ended=[("Ana sees the dentist on 9 May 2023.", "correction")],
        replaces=[("Ana sees the dentist on 9 May 2023.", "Ana sees the dentist on 10 May 2023.")],
        true_on={"2023-05-01": ["Ana sees the dentist on 10 May 2023."]},
        judging_calls=1,
    ),
    Case(
        "a correction of one of many values",
        [
            batch(
                user("2023-05-01", "I speak Danish and Welsh."),
                model(fact("Ana speaks Danish.", speaks="Danish"), fact("Ana speaks Welsh.", speaks="Welsh")),
            ),
            batch(
                user("2023-05-02", "I meant Dutch, not Danish."),
                model(fact("Ana speaks Dutch.", speaks="Dutch", corrects=True)),
            ),
        ],
        current=["Ana speaks Dutch.", "Ana speaks Welsh."],
        ended=[("Ana speaks Danish.", "correction")],
        replaces=[("Ana speaks Danish.", "Ana speaks Dutch.")],
        true_on={"2023-05-01": ["Ana speaks Dutch.", "Ana speaks Welsh."]},
    ),
    Case(
        "a corrected value is said again later and is a new fact",
        [
            batch(user("2023-05-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(
                user("2023-05-02", "No, Leiria."), model(fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True))
            ),
            batch(user("2024-05-01", "I moved to Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
        ],
        current=["Ana lives in Lisbon."],
        ended=[("Ana lives in Lisbon.", "correction"), ("Ana lives in Leiria.", "newer_value")],
        true_on={"2023-06-01": ["Ana lives in Leiria."], "2024-06-01": ["Ana lives in Lisbon."]},
    ),
    Case(
        "a correction of an unknown fact",
        [
            batch(
                user("2023-05-01", "No, I meant that I live in Lisbon."),
                model(fact("Ana lives in Lisbon.", lives_in="Lisbon", corrects=True)),
            ),
        ],
        current=["Ana lives in Lisbon."],
    ),
    Case(
        "the turn of a correction is removed",
        [
            batch(user("2023-05-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(
                user("2023-05-03", "No, Leiria."), model(fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True))
            ),
            RemoveTurn("No, Leiria."),
        ],
        current=["Ana lives in Lisbon."],
        ended=[("Ana lives in Lisbon.", "correction"), ("Ana lives in Leiria.", "removed")],
        true_on={"2023-05-02": ["Ana lives in Lisbon."], "2023-06-01": ["Ana lives in Lisbon."]},
        believed_after={2: ["Ana lives in Leiria."], 3: ["Ana lives in Lisbon."]},
    ),
    Case(
        "the turn of the middle one of three values is removed",
        [
            batch(user("2022-01-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(user("2023-01-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(user("2024-01-01", "I live in Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
            RemoveTurn("I live in Lisbon."),
        ],
        current=["Ana lives in Porto."],
        ended=[("Ana lives in Faro.", "newer_value"), ("Ana lives in Lisbon.", "removed")],
        true_on={"2023-06-01": ["Ana lives in Faro."], "2024-06-01": ["Ana lives in Porto."]},
        believed_after={2: ["Ana lives in Lisbon."]},
    ),
    Case(
        "removing a turn reinstates the fact that the judge ended for it",
        [
            batch(user("2023-01-01", "I play tennis."), model(fact("Ana plays tennis."))),
            batch(user("2023-02-01", "My knee ended that."), model(fact("Ana had to give up tennis."))),
            RemoveTurn("My knee ended that."),
        ],
        current=["Ana plays tennis."],
        ended=[("Ana plays tennis.", "judged"), ("Ana had to give up tennis.", "removed")],
        replaces=[("Ana plays tennis.", "Ana had to give up tennis.")],
        true_on={"2023-03-01": ["Ana plays tennis."]},
    ),
    Case(
        "a double correction within one batch",
        [
            batch(
                user("2023-05-01", "I live in Lisbon."),
                user("2023-05-01T12:01", "Leiria, I mean."),
                user("2023-05-01T12:02", "Sorry: Loures. I type too fast."),
                model(
                    fact("Ana lives in Lisbon.", lives_in="Lisbon"),
                    fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True, turn=2),
                    fact("Ana lives in Loures.", lives_in="Loures", corrects=True, turn=3),
                ),
            ),
        ],
        current=["Ana lives in Loures."],
        ended=[("Ana lives in Lisbon.", "correction"), ("Ana lives in Leiria.", "correction")],
        true_on={"2023-05-01": ["Ana lives in Loures."]},
        history={"Ana lives in Loures.": ["Ana lives in Lisbon.", "Ana lives in Leiria.", "Ana lives in Loures."]},
    ),
    Case(
        "the corrected statement arrives after its correction",
        [
            batch(
                user("2023-05-03", "No, I meant Leiria."),
                model(fact("Ana lives in Leiria.", lives_in="Leiria", corrects=True)),
            ),
            batch(
                user("2023-05-01", "I live in Lisbon."),
                model(fact("Ana lives in Lisbon.", lives_in="Lisbon")),
                session="import",
            ),
        ],
        current=["Ana lives in Leiria."],
        ended=[("Ana lives in Lisbon.", "newer_value")],
        true_on={"2023-06-01": ["Ana lives in Leiria."]},
        believed_after={1: ["Ana lives in Leiria."], 2: ["Ana lives in Leiria."]},
    ),
    Case(
        "a correction about another person does not change the user's facts",
        [
            batch(user("2023-05-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2023-05-02", "Ben lives in Lagos."),
                model(fact("Ben lives in Lagos.", about="Ben", lives_in="Lagos")),
            ),
            batch(
                user("2023-05-03", "No, Ben lives in Loule."),
                model(fact("Ben lives in Loule.", about="Ben", lives_in="Loule", corrects=True)),
            ),
        ],
        current=["Ana lives in Faro.", "Ben lives in Loule."],
        ended=[("Ben lives in Lagos.", "correction")],
        history={"Ana lives in Faro.": ["Ana lives in Faro."]},
    ),
    Case(
        "a corrected number is not merged with the number that it corrects",
        [
            batch(user("2023-05-01", "I ran 10 km."), model(fact("Ana ran 10 km.", category="event"))),
            batch(user("2023-05-02", "12 km, not 10."), model(fact("Ana ran 12 km.", category="event", corrects=True))),
        ],
        current=["Ana ran 12 km."],
        ended=[("Ana ran 10 km.", "correction")],
        replaces=[("Ana ran 10 km.", "Ana ran 12 km.")],
        same=[],
        true_on={"2023-05-01": ["Ana ran 12 km."]},
    ),
]
