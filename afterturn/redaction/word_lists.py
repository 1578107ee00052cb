"""The words that stand around secrets in sentences, by language (`words.json`)."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

_WORDS: dict[str, Any] = json.loads(resources.files("afterturn.redaction").joinpath("words.json").read_text("utf-8"))

#: Words that follow a name without being its value: "my password is weak".
NOT_VALUES: frozenset[str] = frozenset(word for words in _WORDS["not_values"].values() for word in words.split())
#: In scripts without spaces only the beginning of a value can be compared.
NOT_VALUE_STARTS: tuple[str, ...] = tuple(
    word for language in ("zh", "ja", "ko", "th") for word in _WORDS["not_values"][language].split()
)
#: Endings of adjectives, participles and adverbs. After a mark ("password: …") a value is more likely.
ENDINGS_AFTER_VERB: str = _WORDS["endings"]["after_a_verb"]
ENDINGS_AFTER_MARK: str = _WORDS["endings"]["after_a_mark"]
#: Names of algorithms, products and sizes, which have letters and digits as generated values do.
TECHNICAL: str = _WORDS["technical"]
NUMBER_WORDS: str = _WORDS["number_words"]
#: What follows a number that counts something: "characters", "days".
UNITS: str = _WORDS["units"]

#: Verbs between a name and its value, and what a phrase between them does not go beyond.
IS: str = _WORDS["is"]
#: What begins an answer to a question for a secret: "It's …".
IT_IS: str = f"(?:{_WORDS['it_is']})"
IS_WITHOUT_SPACES: str = _WORDS["is_in_scripts_without_spaces"]
BREAKS: str = _WORDS["breaks"]
#: What begins a phrase that says what a secret is for: "password for the bank".
OF: str = _WORDS["of"]
#: Words between the verb and the value: "is still hunter2".
FILLERS: str = _WORDS["fillers"]
#: Prepositions of "changed my password from … to …".
BEFORE_VALUE: str = _WORDS["before_a_value"]
BEFORE_SECOND_VALUE: str = _WORDS["before_a_second_value"]
#: Words between a value and its name: "hunter2 is my password", "hunter2 as the password".
BEFORE_NAME: frozenset[str] = frozenset(_WORDS["before_a_name"])
AS: frozenset[str] = frozenset(_WORDS["as"])
MINE: frozenset[str] = frozenset(_WORDS["mine"])
#: Values in code that are no secrets: "password: str".
NO_VALUES_IN_CODE: frozenset[str] = frozenset(_WORDS["no_values_in_code"])
#: Characters around a value in a sentence.
SURROUNDING: str = _WORDS["surrounding"]
