"""What the user is called: by their own word, and by nobody else's."""

import pytest

from afterturn.consolidation.naming import is_the_users
from afterturn.consolidation.rules import Names

NOBODY = Names()
ANA = Names.of(["Ana Reis"])


@pytest.mark.parametrize(
    ("text", "subject", "value", "names", "expected"),
    [
        ("Ana is her name.", "Ana", "Ana", NOBODY, True),
        ("The user's name is Ana.", "The user", "Ana", NOBODY, True),
        ("Ana's full name is Ana Reis.", "Ana Reis", "Ana Reis", NOBODY, True),
        ("The user's sister is called Maria.", "Maria", "Maria", NOBODY, False),
        ("Maria is Ana's hamster.", "Maria", "Maria", NOBODY, False),
        ("The user's hamster's name is Maria.", "Maria", "Maria", NOBODY, False),
        ("Ana Costa is her name now.", "Ana Costa", "Ana Costa", ANA, True),
        ("Ana Reis goes by Kit now.", "Ana Reis", "Kit", ANA, True),
        ("Rui Costa is his name.", "Rui Costa", "Rui Costa", ANA, False),
        ("Ana Lopes, a colleague of the user, is called that.", "Ana Lopes", "Ana Lopes", ANA, False),
        ("Ben is called Benjamin.", "Ben", "Benjamin", NOBODY, False),
        ("A name.", "Ana", None, NOBODY, False),
        ("A name.", None, "Ana", NOBODY, False),
    ],
)
def test_whose_name_it_is(text, subject, value, names, expected):
    assert is_the_users(text, subject, value, "user", names) is expected


@pytest.mark.parametrize("said_by", ["assistant", "other"])
def test_only_the_user_says_what_the_user_is_called(said_by):
    assert not is_the_users("The user's name is Clara.", "The user", "Clara", said_by, NOBODY)


def test_a_user_is_known_by_every_name_they_had():
    names = ANA.and_called("Kit Costa")
    assert {names.subject(name) for name in ("Ana", "Ana Reis", "Kit", "Kit Costa", "the user")} == {"user"}
    assert names.subject("Costa") == "costa"
    assert (names.is_any_known, NOBODY.is_any_known) == (True, False)
