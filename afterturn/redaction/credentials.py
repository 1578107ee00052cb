"""Find and redact secrets: keys, card and account numbers, passwords, one-time codes. They must not become memory.

The rules are in the other modules of this package: by the name that announces a secret, by its form, by check digits.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from afterturn.recent_results import RecentResults
from afterturn.redaction import assignments, keys, library_rules, named, numbers
from afterturn.redaction.long_words import find_long_words
from afterturn.redaction.names import Kind, find_names

#: Replaces a secret in a text.
REDACTED = "[redacted]"
_REDACTED = re.compile(re.escape(REDACTED))
#: Characters that may surround a secret in a sentence.
_SURROUNDING = " \t\n.,;:!?\"'`()\u201c\u201d"
#: A shorter secret occurs in too many other words to be searched for elsewhere.
_MIN_SEARCHED_CHARACTERS = 6
#: The longest answer to a question for a secret, and the end of a text that is searched for the question.
_ANSWER_CHARACTERS = 80
_QUESTION_CHARACTERS = 160
_DIGIT = re.compile(r"\d")
#: Start and end of each secret in a text, in order.
_Spans: TypeAlias = tuple[tuple[int, int], ...]
#: Each turn is searched before its extraction, when its evidence is verified, and before it is embedded.
_RECENT: RecentResults[_Spans] = RecentResults(4_096)


def contains_secret(text: str) -> bool:
    """Return whether `text` contains a secret."""
    return bool(scan(text).spans)


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
    return scan(text).secrets()


def redact(text: str, known: Collection[str] = ()) -> str:
    """Return `text` with every secret replaced by REDACTED.

    Args:
        text: any text.
        known: further texts that are known to be secrets.
    """
    return scan(text).redact(known)


@dataclass(frozen=True, slots=True)
class ScannedText:
    """A text, and the places of its secrets: both to know its secrets and to redact it, it is searched once."""

    text: str
    #: Start and end of each secret, in order.
    spans: _Spans

    def secrets(self) -> frozenset[str]:
        """Return the same as `find_secrets`."""
        values = {self.text[first:last].strip(_SURROUNDING) for first, last in self.spans}
        return frozenset(value for value in values if len(value) >= _MIN_SEARCHED_CHARACTERS and not value.isalpha())

    def redact(self, known: Collection[str] = ()) -> str:
        """Return the same as the function `redact`."""
        pieces: list[str] = []
        end = 0
        for first, last in self.spans:
            if first >= end:
                pieces += [self.text[end:first], REDACTED]
            end = max(end, last)
        clean = "".join(pieces) + self.text[end:] if pieces else self.text
        for secret in known:
            clean = clean.replace(secret, REDACTED)
        return clean


def scan(text: str) -> ScannedText:
    """Search a text for secrets. A text that was searched a moment ago in this process is not searched again."""
    return ScannedText(text, _RECENT.get(text, _sorted_spans))


def _sorted_spans(text: str) -> _Spans:
    return tuple(sorted(_spans(text)))


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
    redacted = [match.span() for match in _REDACTED.finditer(text)] if REDACTED in text else ()
    for first, last in _all_spans(text):
        if last > first and not any(start < last and first < end for start, end in redacted):
            yield first, last


def _all_spans(text: str) -> Iterator[tuple[int, int]]:
    words = find_long_words(text)
    yield from keys.find_spans(text, words)
    if _DIGIT.search(text) is not None:
        yield from numbers.find_spans(text)
        yield from named.find_used_codes(text)
    yield from library_rules.find_spans(text, words)
    yield from named.find_spans(text)
    yield from assignments.find_spans(text)
