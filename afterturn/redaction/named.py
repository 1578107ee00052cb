"""Secrets that a name announces in a sentence: "my password for the bank is …", "PIN: …", "… is my password"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources

from afterturn.redaction import values
from afterturn.redaction.names import Kind, find_names

_WORDS = json.loads(resources.files("afterturn.redaction").joinpath("words.json").read_text("utf-8"))

#: Characters before and after a name that are searched for its value.
_REACH_CHARACTERS = 260
#: So far from a name its value begins.
_LINK_REACH_CHARACTERS = 72

#: Words between a name and its value.
_IS = (
    r"(?:is|was|it['\u2019]s|are|ist|sind|war|lautet|lauten|hei(?:\u00df|ss)t|es|era|son|est|sont|s\u00e3o|sono|zijn|\u00e9|\u00e8|jest|equals|is called"
    r"|\u044d\u0442\u043e|\u0647\u0648|\u0647\u064a|:\u0947|\u0939\u0948)"
)
#: What ends the words that may stand between a name and "is".
_BREAK = r"(?:and|but|because|so that|or|und|aber|weil|y|pero|porque|et|mais|e|mas|\u0438|\u043d\u043e|ve|ama)"
_GAP = rf"(?:(?!(?<!\w)(?:{_IS}|{_BREAK})(?!\w))[^.!?;:=\n\"\u201c\u201e\u00ab\u300c,]){{0,60}}?"
_GAP_WITH_COMMA = rf"(?:(?!(?<!\w)(?:{_IS}|{_BREAK})(?!\w))[^.!?;:=\n\"\u201c\u201e\u00ab\u300c]){{0,60}}?"
_FILLER = (
    r"(?:(?:now|still|just|actually|currently|again|set to|simply|jetzt|noch|weiterhin|immer noch|ahora|todav\u00eda"
    r"|maintenant|toujours|agora|ainda|this|following|such|\u0442\u0430\u043a\u043e\u0439|\u0442\u0430\u043a\u043e\u0432"
    r"|\u015fu|\u092f\u0939 \u0939\u0948|\u092f\u0947 \u0939\u0948|le|la|el|o|a|das|der|die|the)\s{1,3}){0,2}"
)
_COLON_SIGN = r"(?:[:\uff1a=\uff1d]\*{0,2})"
_MARK = rf"{_COLON_SIGN}|->|=>|\u2192|\|"
_ASIAN_IS = (
    r"(?:\u306f|\u304c|\uc740|\ub294|\uc774|\uac00|\u662f|\u4e3a|\u70ba|\u53eb|\u5c31\u662f|\u0e04\u0e37\u0e2d|\u0e02\u0e2d\u0e07"
    r"\u0e09\u0e31\u0e19\u0e04\u0e37\u0e2d|\u0939\u0948)\s{0,3}(?:[:\uff1a]\s{0,3})?"
)
_LINK = (
    rf"(?:\s{{0,3}}(?:{_MARK})\s{{0,3}}|['\u2019]s\s{{1,3}}|\s{{1,3}}[\u2014\u2013-]\s{{1,3}}(?:\u044d\u0442\u043e\s)?"
    rf"|\s{{0,3}}\(?(?<!\w){_IS}(?!\w)(?:\s{{0,3}}[:\uff1a])?\s{{1,3}}{_FILLER}|\s{{0,2}}{_ASIAN_IS})"
)
#: A name, a mark and a value of plain words.
_COLON = rf"(?:\s{{0,3}}{_COLON_SIGN}\s{{0,3}}|\s{{1,3}}{_IS}\s{{0,3}}[:\uff1a]\s{{1,3}})"
_QUOTED = (
    "(?:\"(?P<q1>[^\"\n]{3,128})\"|'(?P<q2>[^'\n]{3,128})'|`(?P<q3>[^`\n]{3,128})`|\u201c(?P<q4>[^\u201d\n]{3,128})\u201d"
    "|\u2018(?P<q5>[^\u2019\n]{3,128})\u2019|\u201e(?P<q6>[^\u201c\u201d\n]{3,128})[\u201c\u201d]|\u00ab(?P<q7>[^\u00bb\n]"
    "{3,128})\u00bb|\u300c(?P<q8>[^\u300d\n]{2,128})\u300d|\u300e(?P<q9>[^\u300f\n]{2,128})\u300f)"
)
_TOKEN = r"[\"'`\u201c(]?(?P<value>[^\s\"'`\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d<>\u3002\uff0c\u3001\uff01\uff1f\u0964]{3,256})"

_AFTER_QUOTED = re.compile(rf"(?:{_GAP}(?:{_LINK})|\s{{1,3}}){_QUOTED}", re.IGNORECASE)
_AFTER_LINK = re.compile(rf"{_GAP_WITH_COMMA}{_LINK}{_TOKEN}", re.IGNORECASE)
_ADJACENT = re.compile(rf"(?:[)\]]?\s{{1,3}}|(?<=[^\x00-\x7f]))(?:\([^()\n]{{1,40}}\)\s{{0,3}})?{_TOKEN}")
_AFTER_TO = re.compile(
    rf"\s{{1,3}}(?:to|into|from|auf|von|zu|in|a|en|de|para|por|na|naar|\u043d\u0430|(?:do|od) \w+ to"
    rf"|(?:\u043e\u0442|\u0434\u043b\u044f|\u043a)(?: [^\s:.,]+){{1,3}}?)\s{{1,3}}{_TOKEN}"
    r"(?P<second>\s(?:to|auf|a|para|na)\s[^\s\"'`]{4,128})?",
    re.IGNORECASE,
)
_AFTER_IS = re.compile(rf"{_GAP}(?:\s{{1,3}}{_IS}\s{{1,3}}|['\u2019]s\s{{1,3}})(?P<words>\S.*)", re.IGNORECASE)
_AFTER_COLON = re.compile(rf"{_GAP}{_COLON}(?P<words>[^\n]{{3,200}})", re.IGNORECASE)
#: Where the words of a value end.
_END_OF_WORDS = re.compile(r"[.,;!?\n)\u3002\uff0c\uff01\uff1f\u3001\u0964\u060c\u061f]|\s[-\u2013\u2014]\s|$")
_CODE = re.compile(
    rf"(?P<link>{_GAP_WITH_COMMA}{_LINK}|(?:\s\w{{1,20}}){{0,2}}\s{{1,3}}|\s{{0,2}})(?:\d\D{{0,3}}%)?"
    r"(?P<value>#?(?<!\w)(?:[A-Za-z]{1,2}-)?(?:[A-Z0-9]{2,8}(?:-[A-Z0-9]{2,8}){0,6}|[a-z0-9]{4,8}(?:-[a-z0-9]{4,8}){1,6}"
    r"|\d{2,4}(?:[ -]\d{2,4}){1,4})[#*]?(?:[ ,]{1,2}[a-zA-Z0-9]{4,8}-[a-zA-Z0-9]{4,8}){0,20})(?![.:]\w|[A-Za-z0-9])",
    re.IGNORECASE,
)
_PIN = re.compile(
    rf"(?P<link>{_GAP_WITH_COMMA}{_LINK}|\s{{0,3}})"
    rf"(?P<value>(?<![\d.])\d(?:[ -]?\d){{2,11}}(?![\d%]|[.,]\d)|{_WORDS['number_words']}(?:[ -]{_WORDS['number_words']}){{2,11}})",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"{_GAP}(?:{_LINK}|\s{{1,3}})(?P<value>\d(?:[ -]?\d){{5,20}})", re.IGNORECASE)
_PAIR = re.compile(
    rf"{_GAP_WITH_COMMA}{_LINK}(?P<value>[\w.@+-]{{2,64}}\s{{0,2}}[/|:,]\s{{0,2}}[^\s,;]{{4,128}})", re.IGNORECASE
)
_WORD_LIST = re.compile(
    rf"(?:{_GAP}{_LINK})[\"'`\u201c\u00ab]?(?P<value>\w+(?:[ \n,]{{1,2}}(?:\d{{1,2}}[.)] ?)?\w+){{5,24}})", re.IGNORECASE
)
_WORD = re.compile(r"\S+")
_UNIT = re.compile(rf"\s{{0,3}}{_WORDS['units']}(?!\w)", re.IGNORECASE)

#: What may stand between a value and its name: "hunter2 is my password", "hunter2 as the password".
_IS_BEFORE = frozenset(
    "is was ist war es era est \u00e9 \u00e8 jest to \u044d\u0442\u043e \u2014 \u2013 - as als como comme jako \u043a\u0430\u043a".split()
)
_MINE = frozenset(
    "my our your his her their mein meine unser unsere dein deine ihr ihre mi mis tu su nuestra nuestro mon notre ton "
    "votre minha meu sua la mia mijn moje \u043c\u043e\u0439 \u043d\u0430\u0448".split()
)
_WORDS_BEFORE = 6
_LINK_NEAR = re.compile(rf"{_MARK}|['\u2019]s\s|[\u2014\u2013-]\s|(?<!\w){_IS}(?!\w)|{_ASIAN_IS}", re.IGNORECASE)
#: Where "pass", "key" and "clave" mean a password.
_PASSWORD_HERE = re.compile(r"\bpass$|\bclave$|\b(?:ssid|wi-?fi|wlan|router)\b", re.IGNORECASE)
_QUOTE = re.compile("[\"'`\u2018\u201c\u201e\u00ab\u300c\u300e]")
_DIGIT = re.compile(r"\d")
#: "Use 338821 to log in."
_USED_CODE = re.compile(r"\b(?:use|enter|type)\s(?P<value>\d{3,4}[ -]?\d{1,4})\s(?:to (?:log|sign|verify|confirm|unlock|open))", re.IGNORECASE)


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value that a name announces."""
    yield from (match.span("value") for match in _USED_CODE.finditer(text))
    for kind, start, end in find_names(text):
        last = min(len(text), end + _REACH_CHARACTERS)
        has_link = _LINK_NEAR.search(text, end, min(last, end + _LINK_REACH_CHARACTERS)) is not None
        found = _FINDERS[kind](text, end, last, has_link)
        if found is not None:
            yield found
        elif (before := _value_before(text, start, kind)) is not None:
            yield before


def _password(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    has_quote = _QUOTE.search(text, start, start + _LINK_REACH_CHARACTERS) is not None
    if has_quote and (match := _AFTER_QUOTED.match(text, start, last)) and not values.is_placeholder(match[match.lastgroup or 0]):
        content = match[match.lastgroup or 0]
        if values.looks_generated(content) or values.is_plain_value(content.split()[0]):
            return match.span(match.lastgroup or 0)
    if has_link and (match := _AFTER_LINK.match(text, start, last)) and _is_generated(text, match):
        return match.span("value")
    if (match := _ADJACENT.match(text, start, last)) and _is_beside(text, start, match["value"]):
        return match.span("value")
    if (match := _AFTER_TO.match(text, start, last)) and _is_mixed(match["value"]):
        return match.start("value"), match.end("second" if match["second"] else "value")
    return _plain_words(text, start, last) if has_link else None


def _plain_words(text: str, start: int, last: int) -> tuple[int, int] | None:
    """Return the plain words after "password:" or "password is"; None if they are no password."""
    if (match := _AFTER_COLON.match(text, start, last)) is not None:
        return _words_of_value(text, match.start("words"), last, is_after_mark=True)
    if (match := _AFTER_IS.match(text, start, last)) is not None:
        return _words_of_value(text, match.start("words"), last, is_after_mark=False)
    return None


def _words_of_value(text: str, start: int, last: int, *, is_after_mark: bool) -> tuple[int, int] | None:
    end_match = _END_OF_WORDS.search(text, start, last)
    end = end_match.start() if end_match else last
    words = list(_WORD.finditer(text, start, end))
    if not words:
        return None
    plain = [not values.is_function_word(word.group()) for word in words]
    if len(words) in range(4, 13) and plain.count(False) <= 1 and all(plain[1:]):
        return start, end
    if not values.is_plain_value(words[0].group()) or len(words) > 1 and _UNIT.match(text, words[0].end(), last):
        return None
    if not is_after_mark:
        follows = words[1].group().lower() if len(words) > 1 else ""
        if follows in ("to", "than", "enough", "because", "genug", "para", "pour", "que", "als"):
            return None
    run = next((place for place, is_plain in enumerate(plain) if not is_plain), len(words))
    return start, words[run - 1].end() if is_after_mark or run >= 4 else words[0].end()


def _pin(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    match = _PIN.match(text, start, last) if has_link or _DIGIT.search(text, start, start + 4) else None
    if match is None or _UNIT.match(text, match.end("value"), last):
        return None
    return match.span("value")


def _code(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    match = _CODE.match(text, start, last) if _DIGIT.search(text, start, last) else None
    if match is None or _UNIT.match(text, match.end("value"), last):
        return None
    value = match["value"]
    digits = sum(character.isdigit() for character in value)
    if digits < 3 and not (digits and "-" in value) or values.is_known_form(value) and not value.isdigit():
        return None
    return match.span("value")


def _key(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    if _DIGIT.search(text, start, last) is None:
        return None
    patterns = ((_AFTER_QUOTED, 8), (_AFTER_LINK, 8), (_ADJACENT, 10))
    for pattern, min_characters in patterns if has_link else patterns[2:]:
        if (match := pattern.match(text, start, last)) is not None:
            group = match.lastgroup or "value"
            value = match[group].strip(values.SURROUNDING)
            if len(value) >= min_characters and _is_mixed(value) and not values.is_placeholder(value):
                return match.span(group)
    return None


def _weak(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    if _DIGIT.search(text, start, last) is None:
        return None
    for pattern in (_AFTER_LINK, _ADJACENT) if has_link else (_AFTER_TO, _ADJACENT):
        if (match := pattern.match(text, start, last)) is not None:
            value = match["value"].strip(values.SURROUNDING)
            is_password = _PASSWORD_HERE.search(text, max(0, start - _LINK_REACH_CHARACTERS), start) is not None
            if is_password and _is_mixed(value) and len(value) >= 6:
                return match.span("value")
            if values.is_random(value, min_characters=12):
                return match.span("value")
    return None


def _phrase(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    match = _WORD_LIST.match(text, start, last) if has_link else None
    if match is None:
        return None
    words = [word for word in re.split(r"[\W\d]+", match["value"]) if word]
    plain = sum(not values.is_function_word(word) for word in words)
    return match.span("value") if len(words) >= 6 and plain >= 0.75 * len(words) else None


def _login(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    match = _PAIR.match(text, start, last) if has_link else None
    if match is None or "://" in match["value"]:
        return None
    secret = re.split(r"\s*[/|:,]\s*", match["value"], maxsplit=1)[1]
    return match.span("value") if values.looks_generated(secret) else None


def _number(text: str, start: int, last: int, has_link: bool) -> tuple[int, int] | None:
    match = _NUMBER.match(text, start, last) if _DIGIT.search(text, start, last) else None
    return None if match is None else match.span("value")


_FINDERS = {
    Kind.PASSWORD: _password,
    Kind.PIN: _pin,
    Kind.CODE: _code,
    Kind.KEY: _key,
    Kind.WEAK: _weak,
    Kind.PHRASE: _phrase,
    Kind.LOGIN: _login,
    Kind.NUMBER: _number,
}


def _value_before(text: str, start: int, kind: Kind) -> tuple[int, int] | None:
    """Return the value in "hunter2 is my password"."""
    if kind not in (Kind.PASSWORD, Kind.PIN, Kind.CODE, Kind.KEY):
        return None
    first = max(0, start - _REACH_CHARACTERS // 2)
    words = list(_WORD.finditer(text, first, start))[-_WORDS_BEFORE:]
    for place in range(len(words) - 1, 0, -1):
        if words[place].group().lower() in _IS_BEFORE:
            between = {word.group().lower() for word in words[place + 1 :]}
            while place > 1 and words[place - 1].group().lower() in _IS_BEFORE:
                place -= 1
            return _checked_before(words[place - 1], kind, is_mine=not between.isdisjoint(_MINE))
    return None


def _checked_before(word: re.Match[str], kind: Kind, *, is_mine: bool) -> tuple[int, int] | None:
    value = word.group().strip(values.SURROUNDING)
    if word.group().endswith((".", "!", "?", ";", ":")) or values.is_known_form(value):
        return None
    has_secret_form = _is_mixed(value) or (kind in (Kind.PIN, Kind.CODE) and sum(map(str.isdigit, value)) >= 4)
    is_plain = kind is Kind.PASSWORD and is_mine and value.isalpha() and len(value) > 3 and values.is_plain_value(value)
    return word.span() if has_secret_form or is_plain else None


def _is_generated(text: str, match: re.Match[str]) -> bool:
    value = match["value"]
    if value.strip(values.SURROUNDING).isdigit() and _UNIT.match(text, match.end("value")):
        return False
    return values.looks_generated(value)


def _is_beside(text: str, start: int, value: str) -> bool:
    """Return whether a value without a mark or a verb between it and its name is a secret: "password hunter2"."""
    if text[start - 1].isascii():
        return _is_mixed(value)
    # In scripts without spaces the text goes on here; values are in Latin letters and digits.
    bare = value.strip(values.SURROUNDING)
    return bare[:1].isascii() and (_is_mixed(value) or (bare.isdigit() and len(bare) >= 4))


def _is_mixed(value: str) -> bool:
    """Return whether a value has letters and digits, or a symbol that words do not have, and is not a known thing."""
    value = value.strip(values.SURROUNDING)
    has_letter, has_digit = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    if len(value) < 5 or values.is_placeholder(value) or values.is_known_form(value):
        return False
    if has_digit and has_letter:
        return True
    return values.looks_generated(value) and (has_letter or len(value) >= 5)
