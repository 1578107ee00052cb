"""Find and redact secrets: keys, card and account numbers, passwords, one-time codes. They must not become memory."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

#: Replaces a secret in a text.
REDACTED = "[redacted]"
#: Characters that may surround a secret in a sentence.
_SURROUNDING = " \t\n.,;:!?\"'`()\u201c\u201d"
#: A shorter secret occurs in too many other words to be searched for elsewhere.
_MIN_SEARCHED_CHARACTERS = 6

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
#: Words that may follow "my password is" but are not a password.
_NOT_A_VALUE = (
    r"(?!(?:an?|the|my|your|their|his|her|our|its|in|on|at|by|for|with|from|of|as|if|so|too|very|really|quite|not|no"
    r"|never|always|still|now|also|only|just|both|all|that|this|it|what|when|where|which|who|why|how|to|too|and|or|but"
    r"|weak|strong|long|short|easy|hard|safe|secure|insecure|wrong|right|correct|incorrect|invalid|valid|lost|gone|new"
    r"|old|different|same|saved|stored|kept|written|hidden|known|unknown|secret|private|required|needed|forgotten"
    r"|reset|changed|expired|compromised|leaked|stolen|shared|being|been|getting|working|missing|important|managers?"
    r"|protected|encrypted|hashed|resets?|changes?|stuff|one|something|someone|anything|ist|es|est|\u00e9)\b)"
)
_SECRET_IS = re.compile(
    rf"\b{_SECRET_NOUN}(?:\s{{1,3}}(?:is|was|ist|es|est|\u00e9)\s{{1,3}}|\s{{0,3}}[:=]\s{{0,3}}"
    r"|\s{1,3}to\s{1,3}(?=[^\s]{0,64}[\d!@#$%^&*_]))(?:(?:now|still|just)\s{1,3})?"
    rf"(?P<value>(?!\[redacted){_NOT_A_VALUE}[\"'`\u201c]?[^\s\"'`\u201c\u201d]{{3,128}})",
    re.IGNORECASE,
)
_USED_AS_SECRET = re.compile(
    rf"\buse[sd]? (?P<value>(?=[^\s]{{0,64}}[\d_!@#$%^&*])[^\s]{{3,128}}) as (?:\w{{1,20}} ){{0,2}}{_SECRET_NOUN}",
    re.IGNORECASE,
)
_CODE = re.compile(
    rf"\b{_CODE_NOUN}(?: \w{{1,20}}){{0,3}}?(?:\s{{1,3}}(?:is|was)\s{{1,3}}|\s{{0,3}}[:=]?\s{{0,3}})"
    r"(?P<value>\d{3,4}[ -]?\d{1,4})\b"
    rf"|\b(?P<first>\d{{3,4}}[ -]?\d{{1,4}}) is (?:my|your|the|their|his|her) (?:\w{{1,20}} ){{0,2}}{_CODE_NOUN}",
    re.IGNORECASE,
)
#: A text without any of these contains no name of a secret, so the patterns that need one are skipped.
_NAME_PARTS = (
    *("pass", "key", "token", "pin", "cvv", "cvc", "ssn", "security", "number", "phrase", "recovery", "code", "otp"),
    *("wort", "contrase", "senha"),
)
#: The shortest words that can be a key, without and with a digit. Keys in a URL or a block are found separately.
_MIN_KEY_CHARACTERS = 13
_MIN_KEY_CHARACTERS_WITH_DIGIT = 11

#: Names of secrets. A sentence with one may contain a secret in a form that no pattern recognises.
_SECRET_NAME = re.compile(
    rf"\b(?:{_SECRET_NOUN}|{_CODE_NOUN}|ssh[ _-]?keys?|routing number|iban|credentials)\b(?<!\bpin)(?<!\bpins)"
    r"|\b(?:my|the) pin (?:is|was)\b",
    re.IGNORECASE,
)


def contains_secret(text: str) -> bool:
    """Return whether `text` contains a secret."""
    return next(_spans(text), None) is not None


def mentions_secret(text: str) -> bool:
    """Return whether a sentence contains a secret or the name of one, such as "my password"."""
    return _SECRET_NAME.search(text) is not None or contains_secret(text)


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
        if last <= end:
            continue
        pieces += [text[end : max(first, end)], REDACTED]
        end = last
    clean = "".join(pieces) + text[end:] if pieces else text
    for secret in known:
        clean = clean.replace(secret, REDACTED)
    return clean


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret, in any order."""
    # Cheap tests first: they rule out most texts at a tenth of the cost.
    has_digit = _DIGIT.search(text) is not None
    longest = max(map(len, text.split()), default=0)
    if (
        longest >= (_MIN_KEY_CHARACTERS_WITH_DIGIT if has_digit else _MIN_KEY_CHARACTERS)
        or "://" in text
        or "-----" in text
    ):
        yield from (match.span() for match in _KEY.finditer(text))
    if has_digit:
        yield from (match.span() for match in _DIGITS.finditer(text) if _is_card(match.group()))
        for match in _IBAN.finditer(text):
            if length := _iban_length(match.group()):
                yield match.start(), match.start() + length
    folded = text.casefold()
    if not any(part in folded for part in _NAME_PARTS):
        return
    for pattern in (_SECRET_IS, _USED_AS_SECRET, _CODE):
        for match in pattern.finditer(text):
            group = "value" if match["value"] is not None else "first"
            yield match.span(group)


def _is_card(written: str) -> bool:
    """Return whether digits can be a card number: by the first digit and the check digit (Luhn algorithm)."""
    digits = [int(character) for character in written if character.isdigit()]
    if digits[0] not in (2, 3, 4, 5, 6):
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _iban_length(written: str) -> int | None:
    """Return how many characters of `written` are an IBAN; None if it contains none.

    The remainder of an IBAN divided by 97 is 1 (ISO 13616).
    """
    while len(compact := written.replace(" ", "")) >= 15:
        rearranged = compact[4:] + compact[:4]
        if int("".join(str(int(character, 36)) for character in rearranged)) % 97 == 1:
            return len(written)
        # The last word may follow the IBAN without belonging to it.
        written = written.rpartition(" ")[0]
    return None
