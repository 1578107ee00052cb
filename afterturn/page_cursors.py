"""Opaque cursors of lists: where the next page starts. A cursor is valid only for the list that returned it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from datetime import datetime
from typing import Any

from afterturn.errors import InvalidInput

#: Longer than a cursor with two ids of the largest size.
MAX_CURSOR_CHARACTERS = 4_096
_DIGEST_CHARACTERS = 12


def encode(list_parts: tuple[Any, ...], *place: str) -> str:
    """Return the cursor of an entry.

    Args:
        list_parts: what identifies the list: its name, its owner and its filters.
        place: the sort key of the entry.
    """
    text = json.dumps([_digest(list_parts), *place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(list_parts: tuple[Any, ...], cursor: str | None, *, size: int) -> tuple[str, ...] | None:
    """Return the `size` parts of the sort key in a cursor; None without a cursor. Raises InvalidInput."""
    if cursor is None:
        return None
    parts = _parse(cursor)
    if len(parts) != size + 1 or not all(isinstance(part, str) and "\x00" not in part for part in parts):
        raise InvalidInput("cursor is not one that a list returned")
    digest, *place = parts
    if digest != _digest(list_parts):
        raise InvalidInput("cursor belongs to another list, user or filter")
    return tuple(place)


def parse_time(text: str) -> datetime:
    """Return the time in a part of a cursor. Raises InvalidInput."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("cursor is not one that a list returned") from None
    if time.tzinfo is None:
        raise InvalidInput("cursor is not one that a list returned")
    return time


def _parse(cursor: object) -> list[Any]:
    if not isinstance(cursor, str) or len(cursor) > MAX_CURSOR_CHARACTERS or not cursor.isascii():
        raise InvalidInput("cursor is not one that a list returned")
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode())
    except (ValueError, binascii.Error, RecursionError):
        parts = None
    if not isinstance(parts, list):
        raise InvalidInput("cursor is not one that a list returned")
    return parts


def _digest(list_parts: tuple[Any, ...]) -> str:
    text = json.dumps([None if part is None else str(part) for part in list_parts])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()[:_DIGEST_CHARACTERS]
