"""Cursors: where an answer goes on. Opaque to callers, and good for the same question of the same user only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from afterturn.errors import InvalidInput

_DIGEST_BYTES = 9
_PLACE_BYTES = 4
LONGEST = 32


def digest(*asked: Any) -> bytes:
    """Return what tells one question from another: whose, which words, which filters."""
    held = json.dumps([str(one) for one in asked]).encode()
    return hashlib.blake2b(held, digest_size=_DIGEST_BYTES).digest()


def encode(asked: bytes, place: int) -> str:
    """Return the cursor of the result at a place (the first is 1): the answer goes on behind it."""
    return base64.urlsafe_b64encode(asked + place.to_bytes(_PLACE_BYTES, "big")).decode().rstrip("=")


def decode(asked: bytes, cursor: str | None) -> int:
    """Return how many results a cursor skips; None skips none.

    Raises InvalidInput when it is no cursor, or one of another question.
    """
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or len(cursor) > LONGEST or not cursor.isascii():
        raise InvalidInput("cursor is not one that recall gave")
    try:
        held = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        held = b""
    if len(held) != _DIGEST_BYTES + _PLACE_BYTES:
        raise InvalidInput("cursor is not one that recall gave")
    if held[:_DIGEST_BYTES] != asked:
        raise InvalidInput("cursor belongs to another question, user or filter")
    return int.from_bytes(held[_DIGEST_BYTES:], "big")
