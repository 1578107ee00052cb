"""Cursors of recall: where the next page starts. A cursor is valid only for the same search of the same user."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from afterturn.errors import InvalidInput

_DIGEST_BYTES = 9
_RANK_BYTES = 4
MAX_CURSOR_CHARACTERS = 32


def digest_search(*parts: Any) -> bytes:
    """Return a digest that identifies a search by its user, query, filters and order."""
    text = json.dumps([str(part) for part in parts]).encode()
    return hashlib.blake2b(text, digest_size=_DIGEST_BYTES).digest()


def encode(digest: bytes, rank: int) -> str:
    """Return the cursor of the result with this rank; the first rank is 1. The next page starts after it."""
    return base64.urlsafe_b64encode(digest + rank.to_bytes(_RANK_BYTES, "big")).decode().rstrip("=")


def decode(digest: bytes, cursor: str | None) -> int:
    """Return the number of results that a cursor skips; 0 for None.

    Raises InvalidInput when it is not a cursor, or when it belongs to another search.
    """
    if cursor is None:
        return 0
    if not isinstance(cursor, str) or len(cursor) > MAX_CURSOR_CHARACTERS or not cursor.isascii():
        raise InvalidInput("cursor is not one that recall returned")
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        content = b""
    if len(content) != _DIGEST_BYTES + _RANK_BYTES:
        raise InvalidInput("cursor is not one that recall returned")
    if content[:_DIGEST_BYTES] != digest:
        raise InvalidInput("cursor belongs to another question, user or filter")
    return int.from_bytes(content[_DIGEST_BYTES:], "big")
