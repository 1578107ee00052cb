"""Repeated statements become one fact with all evidence; attributes with many values keep them all."""

from __future__ import annotations

from tests.knowledge.case import Case, RemoveTurn, RepeatStep, batch, fact, model, user

_TENNIS = fact("Ana plays tennis.", plays="tennis")

CASES = [
    Case(
        "said three times in two sessions",
        [
            batch(user("2023-05-01", "I play tennis."), model(_TENNIS)),
            batch(user("2023-05-02", "Tennis again today."), model(_TENNIS)),
            batch(user("2023-05-03", "Back from tennis."), model(_TENNIS), session="evening"),
        ],
        current=["Ana plays tennis."],
        times_seen={"Ana plays tennis.": 3},
        quotes={"Ana plays tennis.": ["I play tennis.", "Tennis again today.", "Back from tennis."]},
        judging_calls=0,
    ),
    Case(
        "the same call twice is one turn",
        [batch(user("2023-05-01", "I play tennis."), model(_TENNIS)), RepeatStep(1)],
        current=["Ana plays tennis."],
        times_seen={"Ana plays tennis.": 1},
        quotes={"Ana plays tennis.": ["I play tennis."]},
    ),
    Case(
        "twice in one answer is once",
        [
            batch(
                user("2023-05-01", "I play tennis."),
                user("2023-05-01T12:05", "Yes, tennis!"),
                model(_TENNIS, fact("Ana plays tennis.", plays="tennis", turn=2)),
            ),
        ],
        current=["Ana plays tennis."],
        quotes={"Ana plays tennis.": ["I play tennis.", "Yes, tennis!"]},
    ),
    Case(
        "a repetition in capitals, with other spaces and quotes",
        [
            batch(user("2023-05-01", "I play it."), model(fact("Ana plays in “Os Belenenses”."))),
            batch(user("2023-05-02", "I play there."), model(fact('ANA plays  in "Os Belenenses".'))),
        ],
        current=["Ana plays in “Os Belenenses”."],
        times_seen={"Ana plays in “Os Belenenses”.": 2},
    ),
    Case(
        "a repetition in another alphabet",
        [
            batch(user("2023-05-01", "Я живу в Москве."), model(fact("ÉLODIE живёт в Москве.", about="Élodie"))),
            batch(user("2023-05-02", "Я живу в Москве!"), model(fact("Élodie живёт в Москве.", about="Élodie"))),
        ],
        current=["ÉLODIE живёт в Москве."],
        times_seen={"ÉLODIE живёт в Москве.": 2},
    ),
    Case(
        "the turn of one of two repetitions is removed",
        [
            batch(user("2023-05-01", "I play tennis."), model(_TENNIS)),
            batch(user("2023-05-02", "Tennis again today."), model(_TENNIS)),
            RemoveTurn("I play tennis."),
        ],
        current=["Ana plays tennis."],
        times_seen={"Ana plays tennis.": 1},
        quotes={"Ana plays tennis.": ["Tennis again today."]},
        true_on={"2023-05-01": [], "2023-05-02": ["Ana plays tennis."]},
    ),
    Case(
        "several hobbies are current",
        [
            batch(user("2023-05-01", "I play tennis."), model(_TENNIS)),
            batch(user("2023-05-02", "And chess."), model(fact("Ana plays chess.", plays="chess"))),
        ],
        current=["Ana plays chess.", "Ana plays tennis."],
    ),
    Case(
        "several languages are current, and one is repeated",
        [
            batch(
                user("2023-05-01", "I speak Portuguese and Danish."),
                model(fact("Ana speaks Portuguese.", speaks="Portuguese"), fact("Ana speaks Danish.", speaks="Danish")),
            ),
            batch(
                user("2023-05-02", "I learnt Welsh besides Danish."),
                model(fact("Ana speaks Welsh.", speaks="Welsh"), fact("Ana speaks Danish.", speaks="Danish")),
            ),
        ],
        current=["Ana speaks Danish.", "Ana speaks Portuguese.", "Ana speaks Welsh."],
        times_seen={"Ana speaks Danish.": 2, "Ana speaks Portuguese.": 1},
    ),
    Case(
        "children with two names",
        [
            batch(user("2023-05-01", "My daughter is Eva."), model(fact("Ana's daughter is Eva.", has_child="Eva"))),
            batch(user("2024-05-01", "Our son Leo is born!"), model(fact("Ana's son is Leo.", has_child="Leo"))),
        ],
        current=["Ana's daughter is Eva.", "Ana's son is Leo."],
    ),
    Case(
        "how many children there are is replaced, their names are not",
        [
            batch(
                user("2023-05-01", "I have one child, Eva."),
                model(fact("Ana has one child."), fact("Ana's daughter is Eva.", has_child="Eva")),
            ),
            batch(user("2024-05-01", "Now we have two."), model(fact("Ana has two children."))),
        ],
        current=["Ana has two children.", "Ana's daughter is Eva."],
        ended=[("Ana has one child.", "judged")],
        replaces=[("Ana has one child.", "Ana has two children.")],
    ),
    Case(
        "replacing a repetition replaces the repeated fact",
        [
            batch(user("2023-05-01", "I'm into jogging."), model(fact("Ana jogs."))),
            batch(
                user("2023-06-01", "I went jogging all spring."),
                user("2023-06-01T12:01", "That's over: no sports for me."),
                model(fact("Ana goes jogging."), fact("Ana does no sports.", turn=2)),
            ),
        ],
        current=["Ana does no sports."],
        ended=[("Ana jogs.", "judged")],
        same=[("Ana jogs.", "Ana goes jogging.")],
        replaces=[("Ana goes jogging.", "Ana does no sports.")],
    ),
    Case(
        "two new statements that say the same",
        [
            batch(user("2023-05-01", "I'm into jogging."), model(fact("Ana jogs."))),
            batch(user("2023-06-01", "No sports any more."), model(fact("Ana does no sports."))),
            batch(
                user("2023-07-01", "I'm running again!"),
                model(fact("Ana took up running again."), fact("Ana is a runner again.")),
            ),
        ],
        current=["Ana took up running again."],
        ended=[("Ana does no sports.", "judged"), ("Ana jogs.", "judged")],
        replaces=[("Ana jogs.", "Ana does no sports."), ("Ana does no sports.", "Ana took up running again.")],
        same=[("Ana took up running again.", "Ana is a runner again.")],
        times_seen={"Ana took up running again.": 2},
    ),
]
