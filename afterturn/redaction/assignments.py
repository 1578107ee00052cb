"""Secrets in code, configuration, headers and commands: `DB_PASSWORD=…`, `"token": "…"`, `Authorization: Bearer …`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afterturn.redaction import values
from afterturn.redaction.word_lists import NO_VALUES_IN_CODE, SURROUNDING

#: What separates a name from its value.
_ASSIGNMENT = re.compile(r"(?::=|=>|=|:)[ \t]{0,3}")
_IDENTIFIER_CHARACTERS = 80
_IDENTIFIER = re.compile(r"(?<![\w.-])[A-Za-z_][\w.-]{1,79}$")
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{2,512})[\"'`]|\"([^\"\n]{2,512})\"|'([^'\n]{2,512})'")
_LINE = re.compile(r"(?:[|>][+-]?[ \t]{0,3}\r?(?:\n|\\n)\s{0,20})?([^\s\"'`,;&<>]{2,512})")

#: Parts of the names of passwords, whose values may be plain words, and of keys.
_PASSWORD_NAME = re.compile(
    r"pass(?:word|wd|phrase|code)|passwort|contrase\u00f1a|(?:^|[_.-])(?:pwd|pass|pw)$", re.IGNORECASE
)
_KEY_NAME = re.compile(
    r"(?:api|access|secret|private|auth|account|encryption|signing|service|master|storage|shared|client|webhook"
    r"|session|license|deploy|sas|aws|stripe|app)[_.-]?(?:access[_.-]?)?(?:key|secret|token)|secret|token|credential"
    r"|(?:^|[_.-])(?:sig|signature|otp|pin|apikey)$",
    re.IGNORECASE,
)
#: Names of keys of any kind: only what looks random is a secret.
_WEAK_NAME = re.compile(r"[a-z]key$|_key$", re.IGNORECASE)
#: What may follow such a part without changing what it names: `password_prod`, `API_KEY_2`.
_SAME = re.compile(
    r"(?:[_.-]?(?:\d{1,3}|prod\w*|dev\w*|test|staging|live|old|new|value|plain|text|string|main|default|base64|b64"
    r"|primary|secondary|admin|root|user|db|api|v\d|key|secret|token|access|access[_.-]?key|id(?=[_.-]?secret)))*",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"\b(?:bearer|basic|token|apikey|negotiate)[ \t]{1,3}(?P<value>[A-Za-z0-9._~+/=-]{6,4096})", re.IGNORECASE
)
_OPTION = re.compile(
    r"(?<!\w)--?(?:[\w-]{0,30}(?:password|passwd|passphrase|token|secret|api-?key|pass))[= ][\"']?"
    r"(?P<value>[^\s\"']{3,256})",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"\bsshpass\s{1,3}-p\s{0,3}[\"']?(?P<ssh>[^\s\"']{2,128})"
    r"|(?<!\w)(?:-u|--user)[ =][\"']?[\w.@+-]{1,64}:(?P<user>[^\s\"']{3,128})"
    r"|\bmysql\w{0,8}\b[^\n]{0,80}?\s-p(?P<mysql>[^\s\"'-][^\s\"']{2,128})"
    r"|\b(?:login|user)\s{1,3}\S{1,64}\s{1,3}password\s{1,3}(?P<netrc>[^\s\"']{3,128})"
    r"|\bidentified\s{1,3}by\s{1,3}['\"](?P<sql>[^'\"\n]{2,128})"
    r"|\bredis-cli\b[^\n]{0,80}?\s-a\s{1,3}[\"']?(?P<redis>[^\s\"']{3,128})"
    r"|\bcookie:\s{0,3}(?P<cookie>\S{1,64}=[^\s;]{8,512})"
    r"|\bkey=\"\w{0,20}(?:password|secret|token|apikey)\"\s{1,3}value=\"(?P<attribute>[^\"\n]{2,256})\""
    r"|<(?P<tag>\w{0,20}(?:password|passwd|secret|token|apikey)\w{0,10})>(?P<xml>[^<\s][^<\n]{1,256})<",
    re.IGNORECASE,
)
#: A text without any of these contains no such command.
_SIGNS_OF_COMMANDS = ("--", "-u", "sshpass", "mysql", "password ", "identified", "</", "redis-cli", "cookie:", "value=")


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each value in `text` that is assigned to the name of a secret."""
    for match in _ASSIGNMENT.finditer(text):
        before = text[max(0, match.start() - _IDENTIFIER_CHARACTERS) : match.start()].rstrip(" \t").rstrip("\"'])")
        name = _IDENTIFIER.search(before)
        if name is not None and (span := _value(text, name.group(), match)) is not None:
            yield span
    folded = text.lower()
    if any(word in folded for word in ("bearer", "basic", "token", "apikey", "negotiate")):
        yield from (match.span("value") for match in _BEARER.finditer(text) if _is_credential(match))
    if any(sign in folded for sign in _SIGNS_OF_COMMANDS):
        yield from _command_spans(text)


def is_secret(name: str, value: str) -> bool:
    """Return whether a value of JSON data is a secret by its name."""
    is_password = _names(_PASSWORD_NAME, name)
    return (is_password or _names(_KEY_NAME, name)) and _is_value(value, is_password, is_quoted=True)


def _command_spans(text: str) -> Iterator[tuple[int, int]]:
    for match in _OPTION.finditer(text):
        if not values.is_placeholder(match["value"]):
            yield match.span("value")
    for match in _COMMAND.finditer(text):
        group = next(
            name
            for name in ("ssh", "user", "mysql", "netrc", "sql", "redis", "cookie", "attribute", "xml")
            if match[name] is not None
        )
        if not values.is_placeholder(match[group]):
            yield match.span(group)


def _value(text: str, name: str, assignment: re.Match[str]) -> tuple[int, int] | None:
    is_password = _names(_PASSWORD_NAME, name)
    if not is_password and not _names(_KEY_NAME, name):
        return _random_value(text, assignment.end()) if _WEAK_NAME.search(name) else None
    start = assignment.end()
    if (quoted := _QUOTED.match(text, start)) is not None:
        group = quoted.lastindex or 0
        return quoted.span(group) if _is_value(quoted[group], is_password, is_quoted=True) else None
    line = _LINE.match(text, start)
    if line is None or not _is_value(line[1], is_password, is_quoted="=" in assignment.group() and is_password):
        return None
    if is_password and "(" in text[start : start + 64].split("\n")[0].split(" ")[0]:
        return None
    return line.span(1)


def _random_value(text: str, start: int) -> tuple[int, int] | None:
    match = _QUOTED.match(text, start) or _LINE.match(text, start)
    if match is None or not values.is_random(match[match.lastindex or 0], min_characters=16):
        return None
    return match.span(match.lastindex or 0)


def _names(pattern: re.Pattern[str], name: str) -> bool:
    """Return whether an identifier names a secret: with `password_length` it is not one."""
    ends = [match.end() for match in pattern.finditer(name)]
    return bool(ends) and _SAME.fullmatch(name, ends[-1]) is not None


def _is_value(value: str, is_password: bool, *, is_quoted: bool) -> bool:
    if values.is_placeholder(value) or (value.strip(SURROUNDING).isdigit() and not is_password):
        return False
    if is_password and is_quoted:
        return len(value) >= 3 and value.lower() not in NO_VALUES_IN_CODE
    if is_password:
        return values.looks_generated(value) or values.is_plain_value(value, is_after_mark=True)
    stripped = value.strip(SURROUNDING)
    if len(stripped) < 8 or values.is_known_form(stripped):
        return False
    is_long = is_quoted and len(stripped) >= 20 and values.looks_generated(stripped)
    return is_long or (any(map(str.isdigit, stripped)) and any(map(str.isalpha, stripped)))


def _is_credential(match: re.Match[str]) -> bool:
    value = match["value"].rstrip(".")
    if values.is_known_form(value):
        return False
    return (any(map(str.isdigit, value)) and any(map(str.isalpha, value)) and len(value) >= 8) or (
        value.endswith("=") and len(value) >= 8
    )
