"""Find and redact secrets: keys, card and account numbers, passwords, one-time codes. They must not become memory.

The rules are in the other modules of this package: by the name that announces a secret, by its form, by check digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from afterturn.redaction import assignments, keys, library_rules, named, numbers
from afterturn.redaction.names import Kind, find_names

#: Replaces a secret in a text.
REDACTED = "[redacted]"
#: Characters that may surround a secret in a sentence.
_SURROUNDING = " \t\n.,;:!?\"'`()\u201c\u201d"
#: A shorter secret occurs in too many other words to be searched for elsewhere.
_MIN_SEARCHED_CHARACTERS = 6
#: The longest answer to a question for a secret, and the end of a text that is searched for the question.
_ANSWER_CHARACTERS = 80
_QUESTION_CHARACTERS = 160
_DIGIT = re.compile(r"\d")


def contains_secret(text: str) -> bool:
    """Return whether `text` contains a secret."""
    return next(_spans(text), None) is not None


def mentions_secret(text: str) -> bool:
    """Return whether a sentence contains a secret, or the name of one, such as "my password", or lost one."""
    return (
        REDACTED in text
        or any(_is_clear(kind, text, end) for kind, _, end in find_names(text))
        or contains_secret(text)
    )


def _is_clear(kind: Kind, text: str, end: int) -> bool:
    """Return whether a name has no other meaning: pins, logins and combinations are also other things."""
    if kind in (Kind.WEAK, Kind.LOGIN):
        return False
    return kind is not Kind.PIN or text[end : end + 4].lower() in (" is ", " was")


def find_secrets(text: str) -> frozenset[str]:
    """Return the secrets in `text` that are not plain words. They are secrets in any other text too."""
    values = {text[first:last].strip(_SURROUNDING) for first, last in _spans(text)}
    return frozenset(value for value in values if len(value) >= _MIN_SEARCHED_CHARACTERS and not value.isalpha())


def redact(text: str, known: Collection[str] = ()) -> str:
    """Return `text` with every secret replaced by REDACTED.

    Args:
        text: any text.
        known: further texts that are known to be secrets.
    """
    pieces: list[str] = []
    end = 0
    for first, last in sorted(_spans(text)):
        if first >= end:
            pieces += [text[end:first], REDACTED]
        end = max(end, last)
    clean = "".join(pieces) + text[end:] if pieces else text
    for secret in known:
        clean = clean.replace(secret, REDACTED)
    return clean


def redact_value(name: str | None, value: str, known: Collection[str] = ()) -> str:
    """Return a value of JSON data without secrets; REDACTED if its name shows that all of it is one.

    Args:
        name: the name of the value in its object.
        value: the value.
        known: further texts that are known to be secrets.
    """
    if name is not None and assignments.is_secret(name, value):
        return REDACTED
    return redact(value, known)


def redact_answer(text: str) -> str:
    """Return an answer to "What is your PIN?" without the words in it that can be the secret."""
    clean = redact(text)
    if len(clean) > _ANSWER_CHARACTERS:
        return clean
    return " ".join(REDACTED if named.can_be_answer(word) else word for word in clean.split(" "))


def asks_for_secret(text: str) -> bool:
    """Return whether a text ends with a question for a secret."""
    question = text[-_QUESTION_CHARACTERS:]
    if "?" not in question and "\uff1f" not in question and "\u061f" not in question:
        return False
    return any(kind is not Kind.WEAK for kind, _, _ in find_names(question))


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret, in any order."""
    redacted = [match.span() for match in re.finditer(re.escape(REDACTED), text)]
    for first, last in _all_spans(text):
        if last > first and not any(start < last and first < end for start, end in redacted):
            yield first, last


def _all_spans(text: str) -> Iterator[tuple[int, int]]:
    yield from keys.find_spans(text)
    if _DIGIT.search(text) is not None:
        yield from numbers.find_spans(text)
    yield from library_rules.find_spans(text)
    yield from named.find_spans(text)
    yield from assignments.find_spans(text)
