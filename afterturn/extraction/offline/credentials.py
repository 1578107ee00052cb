"""Secrets that must not become memory: keys, card numbers, passwords."""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"""\b(?:sk|pk|rk|ghp|gho|ghs|xox[abprs]|glpat|hf)[-_][A-Za-z0-9_-]{10,}
    |\bgithub_pat_\w{10,}
    |\bAKIA[0-9A-Z]{12,}
    |\bAIza[\w-]{20,}
    |\beyJ[\w-]{10,}\.[\w-]{5,}
    |-----BEGIN
    |\b(?:\d[ -]?){12,18}\d\b
    |\b\d{3}-\d{2}-\d{4}\b
    |\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){3,7}
    |\b(?=\w{0,63}\d)(?=\w{0,63}[A-Za-z])\w{24,64}\b""",
    re.VERBOSE,
)
#: A sentence about one of these is left out whether or not it gives it away: the next word may.
_NAMED = re.compile(
    r"\b(?:pass(?:word|wd|phrase|code)s?|pass word|api[ _-]?keys?|(?:secret|private|access|encryption|ssh)[ _-]?keys?"
    r"|(?:access|auth|bearer|api)[ _-]?tokens?|pin (?:code|number)|(?:my|the) pin (?:is|was)"
    r"|cvv|cvc|ssn|social security number|card number|(?:seed|recovery) phrase|(?:account|routing) number|iban)\b",
    re.IGNORECASE,
)


def holds_secret(text: str) -> bool:
    """Whether a key, a card or account number, or a password stands in `text` (a sentence), or it speaks of one."""
    return _SECRET.search(text) is not None or _NAMED.search(text) is not None
