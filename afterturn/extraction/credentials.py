"""Secrets that must not become memory: keys, card and account numbers, passwords, one-time codes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

#: What stands for a secret in a text that is kept without it.
REDACTED = "[redacted]"
#: What may stand around a secret in a sentence.
_AROUND = " \t\n.,;:!?\"'`()\u201c\u201d"
#: A shorter one is found in many a word that is none.
_TELLING = 6

_KEY = re.compile(
    r"""-----BEGIN[ ][A-Z ]{0,40}PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]{0,40}-----|\Z)
    |\b(?:sk|pk|rk|ghp|gho|ghu|ghs|xox[abeprs]|xapp|glpat|hf|npm|pypi|dop_v1|shpat)[-_][A-Za-z0-9_-]{10,}
    |\bgithub_pat_\w{10,}
    |\b(?:AKIA|ASIA)[0-9A-Z]{12,}
    |\bAIza[\w-]{20,}
    |\bya29\.[\w-]{10,}
    |\beyJ[\w-]{10,2000}\.[\w-]{5,4000}(?:\.[\w-]{1,2000})?
    |(?<=://)[^\s/:@]{1,64}:[^\s/@]{1,128}(?=@)
    |\b\d{3}-\d{2}-\d{4}\b
    |(?<![/\w])(?=[A-Za-z]{0,63}\d)(?=\d{0,63}[A-Za-z])[A-Za-z0-9]{24,128}\b""",
    re.VERBOSE | re.DOTALL,
)
_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d|\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}\b")
_SECRET_NOUN = (
    r"(?:pass ?(?:word|wd|phrase|code)s?|api[ _-]?keys?|(?:secret|private|access|encryption|license)[ _-]?keys?"
    r"|(?:access|auth|bearer|api|refresh)[ _-]?tokens?|pin(?: code| number)?|cvv2?|cvc2?|ssn|social security number"
    r"|card number|account number|seed phrase|recovery (?:phrase|code|key)|passwort|kennwort|contrase\u00f1a"
    r"|mot de passe|senha)"
)
_CODE_NOUN = (
    r"(?:(?:verification|security|one[- ]time|confirmation|login|access|authentication|2fa|otp|door|alarm|lock)"
    r" ?(?:code|pin|password)|otp)"
)
#: Words that may follow "my password is" and are no password.
_NO_VALUE = (
    r"(?!(?:an?|the|my|your|their|his|her|our|its|in|on|at|by|for|with|from|of|as|if|so|too|very|really|quite|not|no"
    r"|never|always|still|now|also|only|just|both|all|that|this|it|what|when|where|which|who|why|how|to|too|and|or|but"
    r"|weak|strong|long|short|easy|hard|safe|secure|insecure|wrong|right|correct|incorrect|invalid|valid|lost|gone|new"
    r"|old|different|same|saved|stored|kept|written|hidden|known|unknown|secret|private|required|needed|forgotten"
    r"|reset|changed|expired|compromised|leaked|stolen|shared|being|been|getting|working|missing|important|managers?"
    r"|protected|encrypted|hashed|resets?|changes?|stuff|one|something|someone|anything|ist|es|est|\u00e9)\b)"
)
_SAID = re.compile(
    rf"\b{_SECRET_NOUN}(?:\s{{1,3}}(?:is|was|ist|es|est|\u00e9)\s{{1,3}}|\s{{0,3}}[:=]\s{{0,3}}"
    r"|\s{1,3}to\s{1,3}(?=[^\s]{0,64}[\d!@#$%^&*_]))(?:(?:now|still|just)\s{1,3})?"
    rf"(?P<value>(?!\[redacted){_NO_VALUE}[\"'`\u201c]?[^\s\"'`\u201c\u201d]{{3,128}})",
    re.IGNORECASE,
)
_USED = re.compile(
    rf"\buse[sd]? (?P<value>(?=[^\s]{{0,64}}[\d_!@#$%^&*])[^\s]{{3,128}}) as (?:\w{{1,20}} ){{0,2}}{_SECRET_NOUN}",
    re.IGNORECASE,
)
_CODE = re.compile(
    rf"\b{_CODE_NOUN}(?: \w{{1,20}}){{0,3}}?(?:\s{{1,3}}(?:is|was)\s{{1,3}}|\s{{0,3}}[:=]?\s{{0,3}})"
    r"(?P<value>\d{3,4}[ -]?\d{1,4})\b"
    rf"|\b(?P<first>\d{{3,4}}[ -]?\d{{1,4}}) is (?:my|your|the|their|his|her) (?:\w{{1,20}} ){{0,2}}{_CODE_NOUN}",
    re.IGNORECASE,
)
#: Where none of these stands, no secret or code is named: the patterns that begin with its name need not be tried.
_IN_NAMES = (
    *("pass", "key", "token", "pin", "cvv", "cvc", "ssn", "security", "number", "phrase", "recovery", "code", "otp"),
    *("wort", "contrase", "senha"),
)
#: The shortest key without a digit, and the shortest with one, but for those in an address or a block.
_SHORTEST_KEY = 13
_SHORTEST_WITH_DIGIT = 11

#: What a sentence may be about that gives a secret away in a form that no pattern knows.
_NAMED = re.compile(
    rf"\b(?:{_SECRET_NOUN}|{_CODE_NOUN}|ssh[ _-]?keys?|routing number|iban|credentials)\b(?<!\bpin)(?<!\bpins)"
    r"|\b(?:my|the) pin (?:is|was)\b",
    re.IGNORECASE,
)


def holds_secret(text: str) -> bool:
    """Whether a secret itself stands in `text`."""
    return next(_spans(text), None) is not None


def names_secret(text: str) -> bool:
    """Whether `text` (a sentence) holds a secret, or speaks of one, which the next word may give away."""
    return _NAMED.search(text) is not None or holds_secret(text)


def told(text: str) -> frozenset[str]:
    """Return the secrets in `text` that are no plain words: wherever else they stand, they are secrets."""
    values = {text[first:last].strip(_AROUND) for first, last in _spans(text)}
    return frozenset(value for value in values if len(value) >= _TELLING and not value.isalpha())


def redacted(text: str, known: Collection[str] = ()) -> str:
    """Return `text` with each secret, and each of those known to be one, replaced by REDACTED; `text` where none is."""
    pieces: list[str] = []
    end = 0
    for first, last in sorted(_spans(text)):
        if last <= end:
            continue
        pieces += [text[end : max(first, end)], REDACTED]
        end = last
    clean = "".join(pieces) + text[end:] if pieces else text
    for secret in known:
        clean = clean.replace(secret, REDACTED)
    return clean


def _spans(text: str) -> Iterator[tuple[int, int]]:
    # Most texts can hold none, which is seen at a tenth of the cost.
    has_digit = _DIGIT.search(text) is not None
    longest = max(map(len, text.split()), default=0)
    if longest >= (_SHORTEST_WITH_DIGIT if has_digit else _SHORTEST_KEY) or "://" in text or "-----" in text:
        yield from (found.span() for found in _KEY.finditer(text))
    if has_digit:
        yield from (found.span() for found in _DIGITS.finditer(text) if _is_card(found.group()))
        for found in _IBAN.finditer(text):
            if length := _iban_length(found.group()):
                yield found.start(), found.start() + length
    folded = text.casefold()
    if not any(name in folded for name in _IN_NAMES):
        return
    for pattern in (_SAID, _USED, _CODE):
        for found in pattern.finditer(text):
            group = "value" if found["value"] is not None else "first"
            yield found.span(group)


def _is_card(written: str) -> bool:
    """Whether digits are those of a payment card: its first digit, and the check digit of Luhn."""
    digits = [int(character) for character in written if character.isdigit()]
    if digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _iban_length(written: str) -> int | None:
    """Return how much of `written` is an account number, whose remainder by 97 is 1 (ISO 13616); None if nothing is."""
    while len(compact := written.replace(" ", "")) >= 15:
        moved = compact[4:] + compact[:4]
        if int("".join(str(int(character, 36)) for character in moved)) % 97 == 1:
            return len(written)
        # What follows it may look like a part of it.
        written = written.rpartition(" ")[0]
    return None
