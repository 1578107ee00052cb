"""The long words of a text. Generated keys stand in them, and few sentences have one."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Shorter words are no keys.
MIN_CHARACTERS = 11
#: The characters of keys, and of URLs and paths.
_ROW = re.compile(rf"[\w+/=.-]{{{MIN_CHARACTERS},}}")


class LongWord(NamedTuple):
    """A word of a text: what stands between spaces."""

    start: int
    text: str
    #: The length of its longest row of characters of keys. A timestamp is a long word, but has short rows.
    longest_row: int


def find_long_words(text: str) -> list[LongWord]:
    """Return the words of a text that are long enough for a key."""
    words = []
    end = 0
    for word in text.split():
        if len(word) >= MIN_CHARACTERS:
            # No shorter word before it can contain it.
            start = text.index(word, end)
            end = start + len(word)
            words.append(LongWord(start, word, max(map(len, _ROW.findall(word)), default=0)))
    return words
