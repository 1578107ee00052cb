"""Secrets that are known by their form: keys with a prefix, blocks, tokens, URLs with a password, random strings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afterturn.redaction import values

_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)", re.DOTALL
)
_KEY = re.compile(
    r"""(?<![A-Za-z0-9])(?:sk|rk|pk)[-_](?=[\w-]{0,120}\d)(?:[a-z0-9]{2,12}[-_])?[A-Za-z0-9_-]{14,400}
    |\bsk-[A-Za-z0-9]{12,}
    |(?<![A-Za-z0-9])(?:gh[pousr]|xox[abeprs]|xapp|glpat|gl[a-z]{2,5}|hf|npm|pypi|dop_v1|doo_v1|shp(?:at|ca|pa|ss)|whsec
        |lin_api|secret|ntn|figd|PMAK|dckr_pat|rubygems|sq0(?:atp|csp)|r8|gsk|tvly|xai|nvapi|pplx|sbp|key|AGE-SECRET-KEY)
        [-_](?=[\w-]{0,80}\d)(?=[\w-]{0,200}[A-Za-z])[A-Za-z0-9_-]{16,400}
    |\bgithub_pat_\w{10,}
    |(?<![A-Za-z0-9])at_[A-Za-z0-9]{43}(?![A-Za-z0-9])
    |\bxox[abeprs]-[A-Za-z0-9-]{10,}
    |\bGOCSPX-[\w-]{10,}
    |\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}
    |\bAIza[\w-]{20,}
    |\bya29\.[\w-]{10,}
    |\b1//0[\w-]{20,}
    |\bSG\.[\w-]{10,}\.[\w-]{10,}
    |\bEAA[A-Za-z0-9]{40,}
    |\b\d{8,10}:AA[\w-]{30,}
    |\b[MNO][A-Za-z0-9]{23,27}\.[\w-]{6}\.[\w-]{27,}
    |\bSK[0-9a-f]{32}\b
    |\bFwoGZX[\w/+=]{20,}
    |\beyJ[\w-]{10,2000}\.[\w-]{5,4000}(?:\.[\w-]{1,2000})?
    |(?<=hooks\.slack\.com/services/)[\w/]{12,}
    |(?<=discord\.com/api/webhooks/)\d{5,}/[\w-]{20,}
    |(?<=://)[^\s/:@"'<>]{0,64}:[^\s/"'<>]{1,128}(?=@[\w.\[-])
    |(?<=://)[A-Za-z0-9_-]{20,128}(?=@[\w.\[-])""",
    re.VERBOSE,
)
#: A word of characters that generated keys consist of. What stands after a slash is a part of a path or a URL.
_WORD = re.compile(r"(?<![/\w+=.-])[A-Za-z0-9+/=_-]{24,512}(?![\w/@])")
#: Keys are long words with a digit; a URL may have a short password.
_LONG_WORD = re.compile(r"\S{11,}")
_DIGIT = re.compile(r"\d")
_MIN_RANDOM_CHARACTERS = 24
#: How often the class of characters changes in a key without a name. Random letters and digits: 0.6.
_MIN_CHANGES = 0.4


def find_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each secret in `text` that its form shows to be one."""
    if "-----BEGIN" in text:
        yield from (match.span() for match in _BLOCK.finditer(text))
    for word in _LONG_WORD.finditer(text):
        if _DIGIT.search(text, *word.span()) is None and "://" not in word.group():
            continue
        yield from (match.span() for match in _KEY.finditer(text, *word.span()))
        if word.end() - word.start() >= _MIN_RANDOM_CHARACTERS:
            yield from (match.span() for match in _WORD.finditer(text, *word.span()) if _is_key(match.group()))


def _is_key(word: str) -> bool:
    """Return whether a long word is as random as a key, and neither a checksum, an id nor encoded text."""
    if values.is_hexadecimal(word) or values.is_encoded_text(word):
        return False
    has_all = any(map(str.islower, word)) and any(map(str.isupper, word)) and any(map(str.isdigit, word))
    return has_all and values.is_random(
        word, min_characters=_MIN_RANDOM_CHARACTERS, min_changes=_MIN_CHANGES, min_digit_runs=3
    )
