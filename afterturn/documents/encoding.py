"""Texts and values in forms that Postgres can store, from which the originals come back."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from afterturn import turns

#: Begins an escape. It is no character, so that hardly any text contains it.
_ESCAPE = "\uffff"
_ESCAPED = re.compile("[\x00\ud800-\udfff\uffff]")
_ENCODED = re.compile(f"{_ESCAPE}(.)", re.DOTALL)
#: Lone surrogates move by this many places to characters that are not surrogates.
_SHIFT = 0x10000
_NUL = "0"
#: What jsonb may refuse: NUL, surrogates (pairs too, which it would take), NaN and infinity, also within texts.
_NOT_IN_JSONB = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|NaN|Infinity")


def encode(text: str) -> str:
    """Return `text` with escapes for NUL and lone surrogates, which Postgres cannot store."""
    if text.isascii() and "\x00" not in text:
        return text
    return _ESCAPED.sub(lambda found: _ESCAPE + _encode_character(found[0]), text)


def decode(text: str) -> str:
    """Return the text that was encoded."""
    if text.isascii() or _ESCAPE not in text:
        return text
    return _ENCODED.sub(lambda found: _decode_character(found[1]), text)


def _encode_character(character: str) -> str:
    if character == "\x00":
        return _NUL
    return character if character == _ESCAPE else chr(ord(character) + _SHIFT)


def _decode_character(character: str) -> str:
    if character == _NUL:
        return "\x00"
    return character if character == _ESCAPE else chr(ord(character) - _SHIFT)


def to_json(value: Any) -> str:
    """Return a value as JSON in ASCII, from which the same value comes back. Raises TypeError or ValueError."""
    return json.dumps(value, separators=(",", ":"))


def to_fields(value: Any) -> str:
    """Return a value as JSON that jsonb can contain, with U+FFFD for NUL and lone surrogates, and null for NaN."""
    return to_fields_of(to_json(value))


def to_fields_of(encoded: str) -> str:
    """Return JSON that jsonb can contain, like `to_fields`, from the JSON of a value."""
    if _NOT_IN_JSONB.search(encoded) is None:
        return encoded
    return json.dumps(_storable(json.loads(encoded)), allow_nan=False, separators=(",", ":"))


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return turns.make_storable(value)
    if isinstance(value, dict):
        return {turns.make_storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value


def in_utc(time: datetime) -> datetime:
    """Return a time of the database in UTC."""
    return time.astimezone(UTC)
