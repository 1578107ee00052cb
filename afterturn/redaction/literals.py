"""A search for many literals: one pass over a text instead of one for each literal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

#: Letters from rare to frequent ones in European languages. Letters of other scripts are rarer.
_BY_FREQUENCY = "zjqxkvywbfpgmhcudlrtisnaoe"


class Literals:
    """A set of literals to be found in texts.

    Each is searched by its rarest letter: most places of a text are then passed by without a comparison.
    """

    def __init__(self, literals: Iterable[str]) -> None:
        #: By rarest letter: the literals, and the place of the letter in each.
        self._by_letter: dict[str, list[tuple[str, int]]] = {}
        for literal in literals:
            place = min(range(len(literal)), key=lambda index: _BY_FREQUENCY.find(literal[index]))
            self._by_letter.setdefault(literal[place], []).append((literal, place))
        self._pattern = re.compile("|".join(_after(letter, found) for letter, found in self._by_letter.items()))

    def find(self, text: str) -> dict[str, list[int]]:
        """Return the literals in a text, and all places of each, in order. They may overlap."""
        found: dict[str, list[int]] = {}
        for place in self._letters(text):
            for literal, offset in self._by_letter[text[place]]:
                start = place - offset
                if start >= 0 and text.startswith(literal, start):
                    found.setdefault(literal, []).append(start)
        return found

    def _letters(self, text: str) -> Iterator[int]:
        """Yield the places of letters around which a literal stands."""
        match = self._pattern.search(text)
        while match is not None:
            yield match.start()
            match = self._pattern.search(text, match.start() + 1)


def _after(letter: str, literals: Iterable[tuple[str, int]]) -> str:
    """Return an expression for a letter that has the rest of one of the literals on both sides."""
    rests = [
        (f"(?<={re.escape(literal[: place + 1])})" if place else "") + re.escape(literal[place + 1 :])
        for literal, place in literals
    ]
    return f"{re.escape(letter)}(?:{'|'.join(rests)})"
