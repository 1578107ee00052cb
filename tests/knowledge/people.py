"""Whose fact it is: the user under each of their names, and several people of one name."""

from __future__ import annotations

from tests.knowledge.case import Case, fact, heard, model, user

CASES = [
    Case(
        "two people of one name live in two places",
        [
            heard(
                user("2023-05-01", "My sister Maria lives in Rome."),
                model(fact("Maria, Ana's sister, lives in Rome.", about="Maria", lives_in="Rome")),
            ),
            heard(
                user("2023-06-01", "Maria from work, my colleague, lives in Oslo."),
                model(fact("Maria, Ana's colleague, lives in Oslo.", about="Maria", lives_in="Oslo")),
            ),
        ],
        current=["Maria, Ana's colleague, lives in Oslo.", "Maria, Ana's sister, lives in Rome."],
    ),
    Case(
        "one of two people of one name moves",
        [
            heard(
                user("2023-05-01", "My sister Maria lives in Rome, my colleague Maria in Oslo."),
                model(
                    fact("Maria, Ana's sister, lives in Rome.", about="Maria", lives_in="Rome"),
                    fact("Maria, Ana's colleague, lives in Oslo.", about="Maria", lives_in="Oslo"),
                ),
            ),
            heard(
                user("2023-06-01", "My sister Maria moved to Bern."),
                model(fact("Maria, Ana's sister, lives in Bern.", about="Maria", lives_in="Bern")),
            ),
        ],
        current=["Maria, Ana's colleague, lives in Oslo.", "Maria, Ana's sister, lives in Bern."],
        ended=[("Maria, Ana's sister, lives in Rome.", "newer_value")],
    ),
    Case(
        "two people of one name have the same job",
        [
            heard(
                user("2023-05-01", "My friend Tom is a nurse."),
                model(fact("Ana's friend Tom is a nurse.", about="Tom", works_as="nurse")),
            ),
            heard(
                user("2023-06-01", "My cousin Tom is a nurse, too."),
                model(fact("Ana's cousin Tom is a nurse.", about="Tom", works_as="nurse")),
            ),
        ],
        current=["Ana's cousin Tom is a nurse.", "Ana's friend Tom is a nurse."],
    ),
    Case(
        "somebody else's home leaves the user's alone",
        [
            heard(user("2023-05-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            heard(
                user("2023-06-01", "Ben moved to Porto."),
                model(fact("Ben lives in Porto.", about="Ben", lives_in="Porto")),
            ),
        ],
        current=["Ana lives in Lisbon.", "Ben lives in Porto."],
    ),
    Case(
        "the user by name, by full name and as the user",
        [
            heard(
                user("2023-04-01", "I'm Ana Reis."),
                model(fact("Ana Reis is her name.", about="Ana Reis", name="Ana Reis")),
            ),
            heard(user("2023-05-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            heard(
                user("2023-06-01", "Now in Braga."),
                model(fact("The user lives in Braga.", about="the user", lives_in="Braga")),
            ),
            heard(
                user("2023-07-01", "Now in Evora."),
                model(fact("Ana Reis lives in Evora.", about="Ana Reis", lives_in="Evora")),
            ),
        ],
        current=["Ana Reis is her name.", "Ana Reis lives in Evora."],
        ended=[("Ana lives in Faro.", "newer_value"), ("The user lives in Braga.", "newer_value")],
    ),
    Case(
        "near names are two people",
        [
            heard(
                user("2023-05-01", "Jon works at Acme."),
                model(fact("Jon works at Acme.", about="Jon", works_at="Acme")),
            ),
            heard(
                user("2023-06-01", "John works at Globex."),
                model(fact("John works at Globex.", about="John", works_at="Globex")),
            ),
        ],
        current=["John works at Globex.", "Jon works at Acme."],
    ),
    Case(
        "a name in capitals or not is one person",
        [
            heard(
                user("2023-05-01", "ben works at Acme."),
                model(fact("Ben works at Acme.", about="Ben", works_at="Acme")),
            ),
            heard(
                user("2023-06-01", "BEN went to Globex."),
                model(fact("BEN works at Globex.", about="BEN", works_at="Globex")),
            ),
        ],
        current=["BEN works at Globex."],
        ended=[("Ben works at Acme.", "newer_value")],
    ),
    Case(
        "two speakers in one conversation",
        [
            heard(
                user("2023-05-01", "I live in Lisbon."),
                user("2023-05-01T12:01", "And I live in Porto.", name="Rui"),
                model(
                    fact("Ana lives in Lisbon.", lives_in="Lisbon"),
                    fact("Rui lives in Porto.", about="Rui", lives_in="Porto", turn=2),
                ),
            ),
        ],
        current=["Ana lives in Lisbon.", "Rui lives in Porto."],
        said_by={"Rui lives in Porto.": "user"},
    ),
]
