"""Subjects of facts: the user under each of their names, and several people with one name."""

from __future__ import annotations

from tests.knowledge.case import Case, assistant, batch, fact, model, user

CASES = [
    Case(
        "two people of one name live in two places",
        [
            batch(
                user("2023-05-01", "My sister Maria lives in Rome."),
                model(fact("Maria, Ana's sister, lives in Rome.", about="Maria", lives_in="Rome")),
            ),
            batch(
                user("2023-06-01", "Maria from work, my colleague, lives in Oslo."),
                model(fact("Maria, Ana's colleague, lives in Oslo.", about="Maria", lives_in="Oslo")),
            ),
        ],
        current=["Maria, Ana's colleague, lives in Oslo.", "Maria, Ana's sister, lives in Rome."],
    ),
    Case(
        "one of two people of one name moves",
        [
            batch(
                user("2023-05-01", "My sister Maria lives in Rome, my colleague Maria in Oslo."),
                model(
                    fact("Maria, Ana's sister, lives in Rome.", about="Maria", lives_in="Rome"),
                    fact("Maria, Ana's colleague, lives in Oslo.", about="Maria", lives_in="Oslo"),
                ),
            ),
            batch(
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
            batch(
                user("2023-05-01", "My friend Tom is a nurse."),
                model(fact("Ana's friend Tom is a nurse.", about="Tom", works_as="nurse")),
            ),
            batch(
                user("2023-06-01", "My cousin Tom is a nurse, too."),
                model(fact("Ana's cousin Tom is a nurse.", about="Tom", works_as="nurse")),
            ),
        ],
        current=["Ana's cousin Tom is a nurse.", "Ana's friend Tom is a nurse."],
    ),
    Case(
        "another person's home does not change the user's home",
        [
            batch(user("2023-05-01", "I live in Lisbon."), model(fact("Ana lives in Lisbon.", lives_in="Lisbon"))),
            batch(
                user("2023-06-01", "Ben moved to Porto."),
                model(fact("Ben lives in Porto.", about="Ben", lives_in="Porto")),
            ),
        ],
        current=["Ana lives in Lisbon.", "Ben lives in Porto."],
    ),
    Case(
        "the user by name, by full name and as the user",
        [
            batch(
                user("2023-04-01", "I'm Ana Reis."),
                model(fact("Ana Reis is her name.", about="Ana Reis", name="Ana Reis")),
            ),
            batch(user("2023-05-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2023-06-01", "Now in Braga."),
                model(fact("The user lives in Braga.", about="the user", lives_in="Braga")),
            ),
            batch(
                user("2023-07-01", "Now in Evora."),
                model(fact("Ana Reis lives in Evora.", about="Ana Reis", lives_in="Evora")),
            ),
        ],
        current=["Ana Reis is her name.", "Ana Reis lives in Evora."],
        ended=[("Ana lives in Faro.", "newer_value"), ("The user lives in Braga.", "newer_value")],
    ),
    Case(
        "similar names are two people",
        [
            batch(
                user("2023-05-01", "Jon works at Acme."),
                model(fact("Jon works at Acme.", about="Jon", works_at="Acme")),
            ),
            batch(
                user("2023-06-01", "John works at Globex."),
                model(fact("John works at Globex.", about="John", works_at="Globex")),
            ),
        ],
        current=["John works at Globex.", "Jon works at Acme."],
    ),
    Case(
        "a name in any case is one person",
        [
            batch(
                user("2023-05-01", "ben works at Acme."),
                model(fact("Ben works at Acme.", about="Ben", works_at="Acme")),
            ),
            batch(
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
            batch(
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
    Case(
        "the name of a sister is not the user's",
        [
            batch(
                user("2023-04-01", "I live in Faro."),
                model(fact("The user lives in Faro.", about="The user", lives_in="Faro")),
            ),
            batch(
                user("2023-05-01", "My sister is called Maria."),
                model(fact("The user's sister is called Maria.", about="Maria", name="Maria")),
            ),
            batch(
                user("2023-06-01", "Maria lives in Rome."),
                model(fact("Maria lives in Rome.", about="Maria", lives_in="Rome")),
            ),
        ],
        current=["Maria lives in Rome.", "The user lives in Faro.", "The user's sister is called Maria."],
    ),
    Case(
        "the name of the assistant is not the user's",
        [
            batch(
                user("2023-04-01", "I live in Faro."),
                model(fact("The user lives in Faro.", about="The user", lives_in="Faro")),
            ),
            batch(
                assistant("2023-05-01", "I'm Clara, from Braga."),
                model(
                    fact("The assistant is called Clara.", about="Clara", name="Clara"),
                    fact("Clara lives in Braga.", about="Clara", lives_in="Braga"),
                ),
            ),
        ],
        current=["Clara lives in Braga.", "The assistant is called Clara.", "The user lives in Faro."],
    ),
    Case(
        "the user without a name gets one",
        [
            batch(
                user("2023-04-01", "I live in Faro.", name=None),
                model(fact("The user lives in Faro.", about="The user", lives_in="Faro")),
            ),
            batch(
                user("2023-05-01", "My name is Ana, by the way.", name=None),
                model(fact("The user's name is Ana.", about="The user", name="Ana")),
            ),
            batch(user("2023-06-01", "Now in Braga.", name=None), model(fact("Ana lives in Braga.", lives_in="Braga"))),
        ],
        current=["Ana lives in Braga.", "The user's name is Ana."],
        ended=[("The user lives in Faro.", "newer_value")],
    ),
    Case(
        "the user marries and changes their name",
        [
            batch(
                user("2023-04-01", "I'm Ana Reis."),
                model(fact("Ana Reis is her name.", about="Ana Reis", name="Ana Reis")),
            ),
            batch(
                user("2023-05-01", "I live in Faro."),
                model(fact("Ana Reis lives in Faro.", about="Ana Reis", lives_in="Faro")),
            ),
            batch(
                user("2023-06-01", "I'm Ana Costa since today."),
                model(fact("Ana Reis is called Ana Costa.", about="Ana Reis", name="Ana Costa")),
            ),
            batch(
                user("2023-07-01", "Now in Braga."),
                model(fact("Ana Costa lives in Braga.", about="Ana Costa", lives_in="Braga")),
            ),
        ],
        current=["Ana Costa lives in Braga.", "Ana Reis is called Ana Costa."],
        ended=[("Ana Reis is her name.", "newer_value"), ("Ana Reis lives in Faro.", "newer_value")],
    ),
    Case(
        "another person with the user's name",
        [
            batch(
                user("2023-04-01", "I'm Ana Reis."),
                model(fact("Ana Reis is her name.", about="Ana Reis", name="Ana Reis")),
            ),
            batch(user("2023-05-01", "I live in Faro."), model(fact("Ana lives in Faro.", lives_in="Faro"))),
            batch(
                user("2023-06-01", "My boss Ana Lopes lives in Bern."),
                model(fact("Ana Lopes, Ana's boss, lives in Bern.", about="Ana Lopes", lives_in="Bern")),
            ),
        ],
        current=["Ana Lopes, Ana's boss, lives in Bern.", "Ana Reis is her name.", "Ana lives in Faro."],
    ),
    Case(
        "two people share a first name and have last names",
        [
            batch(
                user("2023-05-01", "Tom Berg works at Acme."),
                model(fact("Tom Berg works at Acme.", about="Tom Berg", works_at="Acme")),
            ),
            batch(
                user("2023-06-01", "Tom Lind works at Globex."),
                model(fact("Tom Lind works at Globex.", about="Tom Lind", works_at="Globex")),
            ),
            batch(
                user("2023-07-01", "Tom Berg went to Initech."),
                model(fact("Tom Berg works at Initech.", about="Tom Berg", works_at="Initech")),
            ),
        ],
        current=["Tom Berg works at Initech.", "Tom Lind works at Globex."],
        ended=[("Tom Berg works at Acme.", "newer_value")],
        history={"Tom Berg works at Initech.": ["Tom Berg works at Acme.", "Tom Berg works at Initech."]},
    ),
]
