"""What can be the value of a name: what looks generated, what is a plain word, and what is neither (`words.json`)."""

from __future__ import annotations

import base64
import binascii
import itertools
import re

from afterturn.redaction.word_lists import (
    ENDINGS_AFTER_MARK,
    ENDINGS_AFTER_VERB,
    NOT_VALUE_STARTS,
    NOT_VALUES,
    SURROUNDING,
    TECHNICAL,
    UNITS,
)

_ENDINGS_AFTER_VERB = re.compile(ENDINGS_AFTER_VERB)
_ENDINGS_AFTER_MARK = re.compile(ENDINGS_AFTER_MARK)
_TECHNICAL = re.compile(TECHNICAL, re.IGNORECASE)

_AMOUNT = re.compile(rf"\d{{1,3}}\s?-?{UNITS}\S*", re.IGNORECASE)
_HEX = re.compile(r"(?:0x)?[0-9a-fA-F]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE_OR_TIME = re.compile(
    r"\d{4}-(?:0\d|1[0-2])(?:-[0-3]\d)?(?:T\S*)?|\d{1,2}[:h]\d{2}\S*|\d{1,2}[./]\d{1,2}[./]\d{2,4}"
)
_MONEY_OR_DECIMAL = re.compile(r"[$\u20ac\u00a3\u00a5]?\d{1,3}(?:[.,]\d{1,3})*[$\u20ac\u00a3\u00a5%]?")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?:https?|ftp|s3)://\S+|www\.\S+|\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?")
_PLACEHOLDER = re.compile(
    r"[$%{<\[(].*|\*+|[xX.\-_#\u2022?]{2,}|(?:your|my|the|some|example)[-_ ].*|\.\.\.|\[redacted.*|.*\(.*\).*|\|",
    re.IGNORECASE | re.DOTALL,
)
#: An expression of source code, whose value is elsewhere: `data.get(`, `request.form[`, `newPassword;`.
_EXPRESSION = re.compile(
    r"(?:[A-Za-z_.]+|[A-Za-z_]\w*\.[\w.]*)[(\[].*|(?:[A-Za-z_]+\.)+[A-Za-z_]+[;,)]*|[a-z]+(?:[A-Z_][A-Za-z_]*)+;"
    r"|(?:[A-Za-z_]*[Pp]ass(?:word|wd)|token|[A-Za-z_]+(?:[_a-z]Token|_token|[a-z]Secret|_secret|[a-z]Key|_key|_hash))"
    r"s?(?:_[a-z]+)*[;,)\]}]*"
    r"|(?:os|process|env|settings|config|self|this|args|req|request|secrets?|vars?|data)\..*",
    re.DOTALL,
)
_NOT_IN_WORDS = frozenset("\\{}[]()<>=+*/|_#$%^&@~`")
_INNER_SYMBOL = re.compile(r"\w[@#$%^&*+=_~|\\/!?\-.:]+\w|[@#$%^&*+=~!?][^\W_]|[^\W_][@#$%^&*+=~!][@#$%^&*+=~!]?$")


def is_placeholder(value: str) -> bool:
    """Return whether a value stands for another one: `$PASSWORD`, `<your key>`, `****`, `getpass()`."""
    return _PLACEHOLDER.fullmatch(value) is not None or _EXPRESSION.fullmatch(value) is not None


def is_known_form(value: str) -> bool:
    """Return whether a value is a date, an amount, an address, an algorithm or another thing that is no secret."""
    forms = (_TECHNICAL, _AMOUNT, _DATE_OR_TIME, _MONEY_OR_DECIMAL, _ADDRESS)
    return any(form.fullmatch(value) for form in forms)


def looks_generated(value: str) -> bool:
    """Return whether a value looks like a password, not a word: letters with digits, symbols or inner capitals."""
    if is_placeholder(value):
        return False
    value = value.strip(SURROUNDING)
    if len(value) < 4 or is_placeholder(value) or is_known_form(value):
        return False
    has_digit = any(character.isdigit() for character in value)
    has_letter = any(character.isalpha() for character in value)
    if has_digit and has_letter:
        return True
    humps = sum(one.islower() and two.isupper() for one, two in itertools.pairwise(value))
    if has_digit:
        return value.isdigit() or _INNER_SYMBOL.search(value) is not None
    return humps >= 1 or (_INNER_SYMBOL.search(value) is not None and _has_rare_symbol_or_parts(value))


def _has_rare_symbol_or_parts(value: str) -> bool:
    if any(character in "@#$%^&*+=~|\\!_" for character in value):
        return True
    parts = re.split(r"[-.]", value)
    return len(parts) >= 3 or all(part[:1].isupper() for part in parts)


def is_mixed(value: str) -> bool:
    """Return whether a value has letters and digits or a symbol that words do not have, and is no known thing."""
    if is_placeholder(value):
        return False
    value = value.strip(SURROUNDING)
    has_letter, has_digit = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if len(value) < 5 or is_placeholder(value) or is_known_form(value):
        return False
    return (has_digit and has_letter) or looks_generated(value)


def is_plain_value(word: str, *, is_after_mark: bool = False) -> bool:
    """Return whether a plain word may be a password: it is no function word, adjective or participle."""
    word = word.strip(SURROUNDING).lower()
    if len(word) < 3 or is_placeholder(word) or is_known_form(word) or word.startswith(NOT_VALUE_STARTS):
        return False
    first = re.split(r"['\u2019-]", word)[0]
    endings = _ENDINGS_AFTER_MARK if is_after_mark else _ENDINGS_AFTER_VERB
    return word not in NOT_VALUES and first not in NOT_VALUES and endings.search(word) is None


def is_word(text: str) -> bool:
    """Return whether a text has the characters of a word in some script."""
    return not any(character.isdigit() or character in _NOT_IN_WORDS for character in text)


def is_function_word(word: str) -> bool:
    """Return whether a word is on the list of words that are no values."""
    return word.strip(SURROUNDING).lower() in NOT_VALUES


def is_random(value: str, *, min_characters: int, min_changes: float = 0.3, min_digit_runs: int = 1) -> bool:
    """Return whether a value is as irregular as a generated key: the class of its characters changes often.

    Args:
        value: a word.
        min_characters: a shorter word is not.
        min_changes: how often the class must change between lower case, upper case and digit, per character. Random
            letters and digits change at 0.6.
        min_digit_runs: in how many places it must have digits. Names have them in one place: `Test2024Case`.
    """
    letters = [character for character in value if character.isalnum()]
    if len(letters) < min_characters or _UUID.fullmatch(value) or is_known_form(value):
        return False
    classes = [1 if one.isdigit() else 2 if one.isupper() else 3 for one in letters]
    changes = sum(one != two for one, two in itertools.pairwise(classes))
    digit_runs = len(re.findall(r"\d+", value))
    return min_digit_runs <= digit_runs and len(set(classes)) > 1 and changes >= min_changes * len(letters)


def is_hexadecimal(value: str) -> bool:
    """Return whether a value has hexadecimal digits only, as checksums and ids of commits do."""
    return _HEX.fullmatch(value) is not None


def is_encoded_text(value: str) -> bool:
    """Return whether a value is readable text in base64."""
    try:
        decoded = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return False
    return decoded.isprintable() and sum(one.isalpha() or one == " " for one in decoded) >= 0.8 * len(decoded)
