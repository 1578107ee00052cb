"""Where the values of a JSON text stand in it, so that text can be inserted without writing the rest anew.

The standard library's decoder, which is written in C, reads the values and says where they end. Numbers, duplicate
keys, escapes and blanks of the text stay as they are, because nobody writes them again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]  # public in the source, missing in the stubs
from typing import Any

_BLANK = re.compile(r"[ \t\n\r]*")
#: Longer integers stay strings: Python refuses to convert thousands of digits.
_INTEGER_DIGITS = 300


@dataclass(frozen=True, slots=True)
class Span:
    """One value, and the part of the text that it comes from."""

    start: int
    end: int
    value: Any


def _convert_integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _INTEGER_DIGITS else digits


# Not strict: other parsers accept control characters in strings.
_DECODER = json.JSONDecoder(parse_int=_convert_integer, strict=False)


def decode(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError or RecursionError."""
    return _DECODER.decode(text)


def read_object(text: str, start: int = 0, *, arrays: Collection[str] = ()) -> tuple[dict[str, Span], int]:
    """Return the members of the object at `start`, and where it ends. Of members with the same name, the last counts.

    Args:
        text: the JSON text.
        start: where the object begins; blanks may stand before it.
        arrays: names of members whose value, if it is an array, is the list of the spans of its elements.

    Raises ValueError if there is no object, RecursionError if it is nested too deeply.
    """
    members: dict[str, Span] = {}
    index = _expect(text, start, "{")
    if text[index : index + 1] == "}":
        return members, index + 1
    while True:
        if text[index : index + 1] != '"':
            raise ValueError(f"no name at {index}")
        name, index = scanstring(text, index + 1, False)
        index = _expect(text, index, ":")
        if name in arrays and text[index : index + 1] == "[":
            elements, end = _read_array(text, index)
            members[name] = Span(index, end, elements)
        else:
            value, end = _decode_at(text, index)
            members[name] = Span(index, end, value)
        index = _skip_blanks(text, end)
        if text[index : index + 1] == "}":
            return members, index + 1
        index = _expect(text, index, ",")


def _read_array(text: str, start: int) -> tuple[list[Span], int]:
    """Return the elements of the array at `start`, and where it ends."""
    elements: list[Span] = []
    index = _expect(text, start, "[")
    if text[index : index + 1] == "]":
        return elements, index + 1
    while True:
        value, end = _decode_at(text, index)
        elements.append(Span(index, end, value))
        index = _skip_blanks(text, end)
        if text[index : index + 1] == "]":
            return elements, index + 1
        index = _expect(text, index, ",")


def is_end(text: str, index: int) -> bool:
    """Return whether only blanks stand at and after `index`."""
    return _skip_blanks(text, index) == len(text)


def iterate_text(content: object) -> Iterator[str]:
    """Yield the texts of a message's content: a string, or parts."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]


def join_text(message: object) -> str:
    """Return the texts of a message, one per line; empty if it has none."""
    return "\n".join(iterate_text(message.get("content"))) if isinstance(message, dict) else ""


def _decode_at(text: str, index: int) -> tuple[Any, int]:
    value, end = _DECODER.raw_decode(text, index)
    return value, end


def _skip_blanks(text: str, index: int) -> int:
    found = _BLANK.match(text, index)
    assert found is not None, "it matches the empty text"
    return found.end()


def _expect(text: str, index: int, sign: str) -> int:
    """Return where the first thing after `sign` begins. Raises ValueError if something else is at `index`."""
    index = _skip_blanks(text, index)
    if text[index : index + 1] != sign:
        raise ValueError(f"no {sign} at {index}")
    return _skip_blanks(text, index + 1)
