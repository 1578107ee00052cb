"""Changes of jobs, homes, partners and opinions, and returns to earlier values."""

from __future__ import annotations

from tests.knowledge.case import Case, batch, fact, model, user

CASES = [
    Case(
        "a move",
        [
            batch(user("2023-05-07", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(user("2024-01-02", "I moved to Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
        ],
        current=["Ana lives in Porto."],
        ended=[("Ana lives in Lisbon.", "newer_value")],
        true_on={
            "2023-05-06": [],
            "2023-06-01": ["Ana lives in Lisbon."],
            "2024-01-02": ["Ana lives in Porto."],
        },
        believed_after={1: ["Ana lives in Lisbon."], 2: ["Ana lives in Porto."]},
        history={"Ana lives in Porto.": ["Ana lives in Lisbon.", "Ana lives in Porto."]},
        valid_times={"Ana lives in Lisbon.": (None, "2024-01-02")},
        judging_calls=0,
    ),
    Case(
        "a move within one batch",
        [
            batch(
                user("2024-01-02", "I lived in Lisbon until Monday."),
                user("2024-01-02T12:01", "Now I live in Porto."),
                model(
                    fact("Ana lives in Lisbon.", lives_in="Lisbon", until="2024-01-01"),
                    fact("Ana lives in Porto.", lives_in="Porto", turn=2),
                ),
            ),
        ],
        current=["Ana lives in Lisbon.", "Ana lives in Porto."],
        true_on={"2024-01-03": ["Ana lives in Porto."]},
    ),
    Case(
        "two moves, the first with its date",
        [
            batch(user("2022-03-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2024-03-01", "I've been in Braga since May 2023."),
                model(fact("Ana lives in Braga.", lives_in="Braga", since="2023-05-01")),
            ),
            batch(user("2025-03-01", "I moved to Evora."), model(fact("Ana lives in Evora.", lives_in="Evora"))),
        ],
        current=["Ana lives in Evora."],
        ended=[("Ana lives in Faro.", "newer_value"), ("Ana lives in Braga.", "newer_value")],
        true_on={
            "2023-04-01": ["Ana lives in Faro."],
            "2023-06-01": ["Ana lives in Braga."],
            "2025-06-01": ["Ana lives in Evora."],
        },
        valid_times={
            "Ana lives in Faro.": (None, "2023-05-01T00:00"),
            "Ana lives in Braga.": ("2023-05-01T00:00", "2025-03-01"),
        },
    ),
    Case(
        "a return to the old home",
        [
            batch(user("2022-01-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(user("2023-01-01", "I moved to Porto."), model(fact("Ana lives in Porto.", lives_in="Porto"))),
            batch(user("2024-01-01", "Back in Lisbon!"), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
        ],
        current=["Ana lives in Lisbon."],
        ended=[("Ana lives in Lisbon.", "newer_value"), ("Ana lives in Porto.", "newer_value")],
        true_on={
            "2022-06-01": ["Ana lives in Lisbon."],
            "2023-06-01": ["Ana lives in Porto."],
            "2024-06-01": ["Ana lives in Lisbon."],
        },
        believed_after={2: ["Ana lives in Porto."], 3: ["Ana lives in Lisbon."]},
        times_seen={"Ana lives in Lisbon.": 1},
        history={"Ana lives in Lisbon.": ["Ana lives in Lisbon.", "Ana lives in Porto.", "Ana lives in Lisbon."]},
    ),
    Case(
        "a new job at another company",
        [
            batch(user("2023-02-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(user("2023-09-01", "Globex hired me."), model(fact("Ana works at Globex.", works_at="Globex"))),
        ],
        current=["Ana works at Globex."],
        ended=[("Ana works at Acme.", "newer_value")],
        true_on={"2023-05-01": ["Ana works at Acme."], "2023-10-01": ["Ana works at Globex."]},
        believed_after={1: ["Ana works at Acme."], 2: ["Ana works at Globex."]},
        history={"Ana works at Globex.": ["Ana works at Acme.", "Ana works at Globex."]},
    ),
    Case(
        "a job and an employer are two attributes",
        [
            batch(user("2023-02-01", "I'm a nurse."), model(fact("Ana works as a nurse.", works_as="nurse"))),
            batch(
                user("2023-09-01", "I'm at the Santa Maria now."),
                model(fact("Ana works at the Santa Maria.", works_at="Santa Maria")),
            ),
        ],
        current=["Ana works as a nurse.", "Ana works at the Santa Maria."],
    ),
    Case(
        "the judge says that a job is lost",
        [
            batch(user("2023-02-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(user("2023-09-01", "Acme let me go."), model(fact("Ana lost her job at Acme."))),
        ],
        current=["Ana lost her job at Acme."],
        ended=[("Ana works at Acme.", "judged")],
        replaces=[("Ana works at Acme.", "Ana lost her job at Acme.")],
        true_on={"2023-08-01": ["Ana works at Acme."], "2023-10-01": ["Ana lost her job at Acme."]},
        history={"Ana lost her job at Acme.": ["Ana works at Acme.", "Ana lost her job at Acme."]},
        judging_calls=1,
    ),
    Case(
        "a new employer under another attribute",
        [
            batch(user("2023-02-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(
                user("2023-09-01", "My employer is Globex now."),
                model(fact("Ana's employer is Globex.", employer="Globex")),
            ),
        ],
        current=["Ana's employer is Globex."],
        ended=[("Ana works at Acme.", "judged")],
        replaces=[("Ana works at Acme.", "Ana's employer is Globex.")],
    ),
    Case(
        "a new value also ends the facts that the judge names",
        [
            batch(
                user("2023-02-01", "I work at Acme, on the night shift there."),
                model(
                    fact("Ana works at Acme.", works_at="Acme", quote="I work at Acme"),
                    fact("Ana works the night shift at Acme.", quote="night shift"),
                    fact("Ana likes the quiet of the night.", likes="the quiet of the night", quote="night"),
                ),
            ),
            batch(user("2023-09-01", "Globex hired me."), model(fact("Ana works at Globex.", works_at="Globex"))),
        ],
        current=["Ana likes the quiet of the night.", "Ana works at Globex."],
        ended=[("Ana works at Acme.", "newer_value"), ("Ana works the night shift at Acme.", "judged")],
        replaces=[("Ana works the night shift at Acme.", "Ana works at Globex.")],
    ),
    Case(
        "a promotion replaces the job",
        [
            batch(user("2023-02-01", "I'm an engineer."), model(fact("Ana is an engineer.", works_as="engineer"))),
            batch(
                user("2024-02-01", "I'm a senior engineer now."),
                model(fact("Ana is a senior engineer.", works_as="senior engineer")),
            ),
        ],
        current=["Ana is a senior engineer."],
        ended=[("Ana is an engineer.", "newer_value")],
    ),
    Case(
        "single, dating, single again",
        [
            batch(user("2022-01-01", "I'm single."), model(fact("Ana is single.", relationship_status="single"))),
            batch(
                user("2023-01-01", "I met Rui."), model(fact("Ana is dating Rui.", relationship_status="dating Rui"))
            ),
            batch(user("2024-01-01", "Single again."), model(fact("Ana is single.", relationship_status="single"))),
        ],
        current=["Ana is single."],
        ended=[("Ana is single.", "newer_value"), ("Ana is dating Rui.", "newer_value")],
        true_on={"2023-06-01": ["Ana is dating Rui."]},
    ),
    Case(
        "a preference changes to its opposite and back",
        [
            batch(user("2022-01-01", "I love coffee."), model(fact("Ana loves coffee.", likes="coffee"))),
            batch(user("2023-01-01", "I can't stand coffee."), model(fact("Ana dislikes coffee.", dislikes="coffee"))),
            batch(user("2024-01-01", "Coffee is great."), model(fact("Ana likes coffee.", likes="coffee"))),
        ],
        current=["Ana likes coffee."],
        ended=[("Ana loves coffee.", "newer_value"), ("Ana dislikes coffee.", "newer_value")],
        true_on={"2022-06-01": ["Ana loves coffee."], "2023-06-01": ["Ana dislikes coffee."]},
    ),
    Case(
        "a diet ends and begins again",
        [
            batch(user("2022-01-01", "I'm vegan."), model(fact("Ana is vegan.", diet="vegan"))),
            batch(
                user("2023-01-01", "Not vegan any more."),
                model(fact("Ana is no longer vegan.", no_longer_diet="vegan")),
            ),
            batch(user("2024-01-01", "I'm vegan again."), model(fact("Ana is vegan.", diet="vegan"))),
        ],
        current=["Ana is vegan."],
        ended=[("Ana is vegan.", "newer_value"), ("Ana is no longer vegan.", "newer_value")],
        true_on={
            "2022-06-01": ["Ana is vegan."],
            "2023-06-01": ["Ana is no longer vegan."],
            "2024-06-01": ["Ana is vegan."],
        },
    ),
    Case(
        "an ended value stays ended when another value begins",
        [
            batch(user("2022-01-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(
                user("2023-01-01", "I left Acme today."),
                model(fact("Ana worked at Acme until 2023.", worked_at="Acme", until="2023-01-01")),
            ),
            batch(user("2024-01-01", "I work at Globex."), model(fact("Ana works at Globex.", works_at="Globex"))),
        ],
        current=["Ana works at Globex.", "Ana worked at Acme until 2023."],
        ended=[("Ana works at Acme.", "newer_value")],
        true_on={"2022-06-01": ["Ana works at Acme."], "2023-06-01": []},
    ),
    Case(
        "a preference by key",
        [
            batch(user("2023-01-01", "Call me by tu."), model(fact("Ana prefers tu.", preferred_address="tu"))),
            batch(user("2023-02-01", "Better: você."), model(fact("Ana prefers você.", preferred_address="você"))),
        ],
        current=["Ana prefers você."],
        ended=[("Ana prefers tu.", "newer_value")],
    ),
    Case(
        "an instruction to the assistant is replaced",
        [
            batch(user("2023-01-01", "Answer me in English."), model(fact("The assistant should answer in English."))),
            batch(user("2023-02-01", "In German, please."), model(fact("The assistant should answer in German."))),
        ],
        current=["The assistant should answer in German."],
        ended=[("The assistant should answer in English.", "judged")],
        replaces=[("The assistant should answer in English.", "The assistant should answer in German.")],
    ),
    Case(
        "a job is lost, and another one found in the same batch",
        [
            batch(user("2023-02-01", "I work at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(
                user("2023-09-01", "I left Acme in June."),
                user("2023-09-01T12:01", "Globex hired me in August, but I quit."),
                user("2023-09-01T12:02", "I work at Initech since today."),
                model(
                    fact("Ana worked at Acme until June 2023.", worked_at="Acme", until="2023-06"),
                    fact("Ana works at Globex.", works_at="Globex", since="2023-08-01", turn=2),
                    fact("Ana works at Initech.", works_at="Initech", since="2023-09-01", turn=3),
                ),
            ),
        ],
        current=["Ana worked at Acme until June 2023.", "Ana works at Initech."],
        ended=[("Ana works at Acme.", "newer_value"), ("Ana works at Globex.", "newer_value")],
        true_on={"2023-05-01": ["Ana works at Acme."], "2023-08-15": ["Ana works at Globex."]},
    ),
    Case(
        "three jobs, back and forth",
        [
            batch(user("2021-01-01", "I'm at Acme."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(user("2022-01-01", "I'm at Globex."), model(fact("Ana works at Globex.", works_at="Globex"))),
            batch(user("2023-01-01", "Acme again."), model(fact("Ana works at Acme.", works_at="Acme"))),
            batch(user("2024-01-01", "Globex again."), model(fact("Ana works at Globex.", works_at="Globex"))),
        ],
        current=["Ana works at Globex."],
        ended=[
            ("Ana works at Acme.", "newer_value"),
            ("Ana works at Acme.", "newer_value"),
            ("Ana works at Globex.", "newer_value"),
        ],
        true_on={
            "2021-06-01": ["Ana works at Acme."],
            "2022-06-01": ["Ana works at Globex."],
            "2023-06-01": ["Ana works at Acme."],
            "2024-06-01": ["Ana works at Globex."],
        },
        history={
            "Ana works at Globex.": [
                "Ana works at Acme.",
                "Ana works at Globex.",
                "Ana works at Acme.",
                "Ana works at Globex.",
            ]
        },
    ),
    Case(
        "one telephone, one address, many allergies",
        [
            batch(
                user("2023-01-01", "Write to ana@a.example, and no nuts for me."),
                model(
                    fact("Ana's email is ana@a.example.", email="ana@a.example", quote="ana@a.example"),
                    fact("Ana is allergic to nuts.", allergic_to="nuts", quote="no nuts"),
                ),
            ),
            batch(
                user("2023-02-01", "Now ana@b.example, and no shellfish."),
                model(
                    fact("Ana's email is ana@b.example.", email="ana@b.example", quote="ana@b.example"),
                    fact("Ana is allergic to shellfish.", allergic_to="shellfish", quote="no shellfish"),
                ),
            ),
        ],
        current=["Ana is allergic to nuts.", "Ana is allergic to shellfish.", "Ana's email is ana@b.example."],
        ended=[("Ana's email is ana@a.example.", "newer_value")],
    ),
    Case(
        "favourites of two kinds do not compete",
        [
            batch(
                user("2023-01-01", "My favourite colour is red, my favourite food soup."),
                model(
                    fact("Ana's favourite colour is red.", favourite_colour="red", quote="red"),
                    fact("Ana's favourite food is soup.", favourite_food="soup", quote="soup"),
                ),
            ),
            batch(
                user("2023-02-01", "Blue is my favourite now."),
                model(fact("Ana's favourite colour is blue.", favourite_colour="blue")),
            ),
        ],
        current=["Ana's favourite colour is blue.", "Ana's favourite food is soup."],
        ended=[("Ana's favourite colour is red.", "newer_value")],
    ),
]
