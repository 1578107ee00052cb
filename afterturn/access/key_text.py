"""The text of a key: how it is made, recognised, shown and hashed.

A key is `at_` and 43 random letters and digits: 256 bits. It is stored as its SHA-256. A slow hash (bcrypt, argon2)
protects passwords, which can be guessed; nobody can try 2^256 keys, and a slow hash would cost each request its time.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string

#: By it people, and programs that search for leaked secrets, recognise a key.
MARK = "at_"
_ALPHABET = string.ascii_letters + string.digits
#: 43 characters out of 62 are 256 bits.
_RANDOM_CHARACTERS = 43
#: How much of a key is shown: 48 of its 256 bits.
PREFIX_CHARACTERS = len(MARK) + 8

_PATTERN = re.compile(rf"{MARK}[A-Za-z0-9]{{{_RANDOM_CHARACTERS}}}")
_PREFIX_PATTERN = re.compile(rf"{MARK}[A-Za-z0-9]{{{PREFIX_CHARACTERS - len(MARK)},}}")


def make_key() -> str:
    """Return a new key. It has a digit, as all keys that programs search for in texts (afterturn/redaction too)."""
    while True:
        text = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_CHARACTERS))
        if any(character.isdigit() for character in text):
            return MARK + text


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key."""
    return _PATTERN.fullmatch(text) is not None


def digest_of(key: str) -> bytes:
    """Return the SHA-256 of a key: what is stored of it."""
    return hashlib.sha256(key.encode()).digest()


def find_prefix(text: str) -> str | None:
    """Return the part of a key that is shown, if the text is a key or begins like one."""
    return text[:PREFIX_CHARACTERS] if _PREFIX_PATTERN.fullmatch(text) else None
