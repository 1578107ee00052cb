"""The user's names: stated by the user, and by no other speaker."""

import pytest

from afterturn.consolidation.rules import UserNames
from afterturn.consolidation.user_names import states_user_name

NOBODY = UserNames()
ANA = UserNames.from_display_names(["Ana Reis"])


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
def test_statements_that_state_the_users_name(text, subject, value, names, expected):
    assert states_user_name(text, subject, value, "user", names) is expected


@pytest.mark.parametrize("said_by", ["assistant", "other"])
def test_only_the_users_own_words_state_their_name(said_by):
    assert not states_user_name("The user's name is Clara.", "The user", "Clara", said_by, NOBODY)


def test_every_former_name_means_the_user():
    names = ANA.with_name("Kit Costa")
    assert {names.normalise_subject(name) for name in ("Ana", "Ana Reis", "Kit", "Kit Costa", "the user")} == {"user"}
    assert names.normalise_subject("Costa") == "costa"
    assert (names.is_known, NOBODY.is_known) == (True, False)
