"""Secrets that a name announces in a sentence: "my password for the bank is …", "PIN: …", "… is my password"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from afterturn.redaction import links, values
from afterturn.redaction.expressions import Expression
from afterturn.redaction.names import Kind, find_names
from afterturn.redaction.word_lists import AS, BEFORE_NAME, MINE, SURROUNDING

#: Characters after a name that are searched for its value, and for the beginning of it.
_REACH_CHARACTERS = 260
_LINK_REACH_CHARACTERS = 72
#: Characters and words before a name that are searched for its value.
_REACH_BACK_CHARACTERS = 130
_WORDS_BEFORE = 6

_WORD = re.compile(r"\S+")
_DIGIT = re.compile(r"\d")

#: Start and end of a value.
Span: TypeAlias = tuple[int, int]


def find_spans(text: str) -> Iterator[Span]:
    """Yield start and end of each value that a name announces."""
    names = list(find_names(text))
    if not names:
        return
    next_starts = [start for _, start, _ in [*names, (None, len(text) + 2, 0)][1:]]
    for (kind, start, end), next_start in zip(names, next_starts, strict=True):
        if next_start - end <= 1:
            # Nothing is said between two names.
            continue
        place = _Place(text, end)
        found = _FINDERS[kind](place) or _value_before(text, start, kind) or _answer(place, kind)
        if found is not None:
            yield found


def find_used_codes(text: str) -> Iterator[Span]:
    """Yield start and end of each code that is said to be used for something. The text has a digit."""
    if links.END_OF_USED_CODE.search(text) is not None:
        yield from (match.span("value") for match in links.USED_CODE.finditer(text))


class _Place:
    """The text after a name."""

    def __init__(self, text: str, start: int) -> None:
        self.text = text
        self.start = start
        self.end = min(len(text), start + _REACH_CHARACTERS)
        near = min(self.end, start + _LINK_REACH_CHARACTERS)
        self.has_link = links.LINK.search(text, start, near) is not None
        self.has_question = links.QUESTION_MARK.search(text, start, near) is not None
        self.has_quote = links.QUOTE.search(text, start, near) is not None
        self.has_digit = _DIGIT.search(text, start, self.end) is not None

    def match(self, pattern: Expression) -> re.Match[str] | None:
        return pattern.match(self.text, self.start, self.end)

    def is_counted(self, end: int) -> bool:
        """Return whether a number that ends there counts something, as in "12 characters"."""
        return links.UNIT.match(self.text, end, self.end) is not None


def _answer(place: _Place, kind: Kind) -> Span | None:
    """Return the value in "Password for the bank? It's hunter2"."""
    if not place.has_question or (match := place.match(links.AFTER_QUESTION)) is None:
        return None
    value = match["value"].strip(SURROUNDING)
    digits = sum(map(str.isdigit, value))
    is_secret = {
        Kind.PASSWORD: values.is_mixed(value) and digits > 0,
        Kind.KEY: _is_key(value, 8),
        Kind.PIN: value.isdigit() and digits in range(4, 13),
        Kind.CODE: value.isdigit() and digits in range(4, 13),
    }.get(kind, False)
    return match.span("value") if is_secret and not place.is_counted(match.end("value")) else None


def _password(place: _Place) -> Span | None:
    if place.has_quote and (match := place.match(links.AFTER_QUOTED)):
        group = match.lastindex or 0
        if _is_password(match[group]):
            return match.span(group)
    if place.has_link and (match := place.match(links.AFTER_LINK)):
        is_amount = match["value"].strip(SURROUNDING).isdigit() and place.is_counted(match.end("value"))
        if not is_amount and values.looks_generated(match["value"]):
            return match.span("value")
    if (match := place.match(links.ADJACENT)) and _is_beside(place, match["value"]):
        return match.span("value")
    if (match := place.match(links.AFTER_TO)) and values.is_mixed(match["value"]):
        return match.start("value"), match.end("second" if match["second"] else "value")
    return _plain_words(place) if place.has_link else None


def _is_password(quoted: str) -> bool:
    if values.is_placeholder(quoted) or not quoted.strip():
        return False
    return values.looks_generated(quoted) or values.is_plain_value(quoted.split()[0], is_after_mark=True)


def _is_beside(place: _Place, value: str) -> bool:
    """Return whether a value without a mark or a verb between it and its name is a secret: "password hunter2"."""
    if place.text[place.start - 1].isascii():
        return values.is_mixed(value)
    # In scripts without spaces the text goes on here; values are in Latin letters and digits.
    bare = value.strip(SURROUNDING)
    return bare[:1].isascii() and (values.is_mixed(value) or (bare.isdigit() and len(bare) >= 4))


def _plain_words(place: _Place) -> Span | None:
    """Return the plain words after "password:" or "password is"; None if they are no password."""
    if (match := place.match(links.AFTER_COLON)) is not None:
        return _words_of_value(place, match.start("words"), is_after_mark=True)
    if (match := place.match(links.AFTER_VERB)) is not None:
        return _words_of_value(place, match.start("words"), is_after_mark=False)
    return None


def _words_of_value(place: _Place, start: int, *, is_after_mark: bool) -> Span | None:
    token = _WORD.match(place.text, start, place.end)
    if token is None or values.is_placeholder(token.group()):
        return None
    end_match = links.END_OF_WORDS.search(place.text, start, place.end)
    end = end_match.start() if end_match else place.end
    words = list(_WORD.finditer(place.text, start, end))
    if not words:
        return None
    plain = [not values.is_function_word(word.group()) for word in words]
    plain[0] |= words[0].group() == "correct"
    if len(words) in range(4, 13) and all(plain) and all(values.is_word(word.group()) for word in words):
        # A passphrase, such as "correct horse battery staple".
        return start, end
    is_value = values.is_plain_value(words[0].group(), is_after_mark=is_after_mark)
    if not is_value or (len(words) > 1 and place.is_counted(words[0].end())):
        return None
    if not is_after_mark and len(words) > 1 and words[1].group().lower() in _AFTER_ADJECTIVES:
        return None
    run = next((number for number, is_plain in enumerate(plain) if not is_plain), len(words))
    return start, words[run - 1].end() if is_after_mark or run >= 4 else words[0].end()


#: After these a word is an adjective: "too long to remember".
_AFTER_ADJECTIVES = frozenset(("to", "than", "enough", "because", "genug", "para", "pour", "que", "als"))


def _pin(place: _Place) -> Span | None:
    is_near = place.has_link or _DIGIT.search(place.text, place.start, place.start + 4) is not None
    match = place.match(links.PIN) if is_near else None
    return None if match is None or place.is_counted(match.end("value")) else match.span("value")


def _code(place: _Place) -> Span | None:
    match = place.match(links.CODE) if place.has_digit else None
    if match is None or place.is_counted(match.end("value")):
        return None
    value = match["value"]
    digits = sum(map(str.isdigit, value))
    is_code = digits >= 3 or (digits > 0 and "-" in value)
    return match.span("value") if is_code and (value.isdigit() or not values.is_known_form(value)) else None


def _key(place: _Place) -> Span | None:
    if not place.has_digit:
        return None
    if place.has_quote and (match := place.match(links.AFTER_QUOTED)):
        group = match.lastindex or 0
        if _is_key(match[group], 8):
            return match.span(group)
    if place.has_link and (match := place.match(links.AFTER_LINK)) and _is_key_after_link(match["value"]):
        return match.span("value")
    match = place.match(links.ADJACENT)
    return match.span("value") if match is not None and _is_key(match["value"], 10) else None


def _is_key(value: str, min_characters: int) -> bool:
    value = value.strip(SURROUNDING)
    return len(value) >= min_characters and values.is_mixed(value)


def _is_key_after_link(value: str) -> bool:
    """Return whether "secret key: …" names a key. A short one must be irregular, as "3f5a9c" is."""
    short = value.strip(SURROUNDING)
    return _is_key(value, 8) or values.is_random(short, min_characters=6, min_changes=0.5, min_digit_runs=2)


def _weak(place: _Place) -> Span | None:
    if not place.has_digit:
        return None
    before = place.text[max(0, place.start - _LINK_REACH_CHARACTERS) : place.start]
    is_password = links.PASSWORD_HERE.search(before) is not None
    for pattern in (links.AFTER_LINK, links.ADJACENT) if place.has_link else (links.AFTER_TO, links.ADJACENT):
        if (match := place.match(pattern)) is not None:
            value = match["value"].strip(SURROUNDING)
            if (is_password and _DIGIT.search(value) and _is_key(value, 6)) or values.is_random(
                value, min_characters=12
            ):
                return match.span("value")
    return None


def _phrase(place: _Place) -> Span | None:
    match = place.match(links.WORD_LIST) if place.has_link else None
    if match is None:
        return None
    words = [word for word in re.split(r"[\W\d]+", match["value"]) if word]
    plain = sum(not values.is_function_word(word) for word in words)
    return match.span("value") if len(words) >= 6 and plain >= 0.75 * len(words) else None


def _login(place: _Place) -> Span | None:
    match = place.match(links.PAIR) if place.has_link else None
    if match is None or "://" in match["value"]:
        return None
    secret = re.split(r"\s*[/|:,]\s*", match["value"], maxsplit=1)[1]
    return match.span("value") if values.looks_generated(secret) else None


def _number(place: _Place) -> Span | None:
    match = place.match(links.NUMBER) if place.has_digit else None
    return None if match is None else match.span("value")


_FINDERS: dict[Kind, Callable[[_Place], Span | None]] = {
    Kind.PASSWORD: _password,
    Kind.PIN: _pin,
    Kind.CODE: _code,
    Kind.KEY: _key,
    Kind.WEAK: _weak,
    Kind.PHRASE: _phrase,
    Kind.LOGIN: _login,
    Kind.NUMBER: _number,
}


def _value_before(text: str, start: int, kind: Kind) -> Span | None:
    """Return the value in "hunter2 is my password"."""
    if kind not in (Kind.PASSWORD, Kind.PIN, Kind.CODE, Kind.KEY):
        return None
    words = list(_WORD.finditer(text, max(0, start - _REACH_BACK_CHARACTERS), start))[-_WORDS_BEFORE:]
    texts = [word.group().lower() for word in words]
    verb = next((place for place in range(len(words) - 1, 0, -1) if texts[place] in BEFORE_NAME), 0)
    if not verb:
        return None
    is_mine = texts[verb] not in AS and not MINE.isdisjoint(texts[verb + 1 :])
    while verb > 1 and texts[verb - 1] in BEFORE_NAME:
        verb -= 1
    return _checked_before(words[verb - 1], kind, is_mine=is_mine)


def _checked_before(word: re.Match[str], kind: Kind, *, is_mine: bool) -> Span | None:
    value = word.group().strip(SURROUNDING)
    if word.group().endswith((".", "!", "?", ";", ":")) or values.is_known_form(value):
        return None
    if values.is_mixed(value) or (kind in (Kind.PIN, Kind.CODE) and sum(map(str.isdigit, value)) >= 4):
        return word.span()
    is_plain = kind is Kind.PASSWORD and is_mine and value.isalpha() and len(value) > 3 and values.is_plain_value(value)
    return word.span() if is_plain else None


def can_be_answer(word: str) -> bool:
    """Return whether a word of an answer to a question for a secret can be the secret."""
    bare = word.strip(SURROUNDING)
    return values.is_mixed(bare) or (bare.isdigit() and len(bare) >= 3)
