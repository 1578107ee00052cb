"""Phrasings of secrets, and harmless texts that look like them, in many languages.

The rules were written with the even ones in view; the odd ones were held back and only counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TEXTS = Path(__file__).parent / "texts"
_MARKED = re.compile("\u00ab(.*?)\u00bb", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Phrasing:
    """One text of the lists."""

    #: Its place in its list.
    number: int
    language: str
    text: str
    #: Parts of the text that no model may see; none in a harmless text.
    secrets: tuple[str, ...] = ()

    @property
    def is_held_back(self) -> bool:
        return self.number % 2 == 1


def read_secrets() -> list[Phrasing]:
    """Return the texts with secrets."""
    found = []
    for number, (language, marked) in enumerate(_read("secrets.txt")):
        text = re.sub("[\u00ab\u00bb]", "", marked)
        found.append(Phrasing(number, language, text, tuple(_MARKED.findall(marked))))
    return found


def read_harmless() -> list[Phrasing]:
    """Return the texts without a secret."""
    return [Phrasing(number, language, text) for number, (language, text) in enumerate(_read("harmless.txt"))]


def _read(name: str) -> Iterator[tuple[str, str]]:
    for line in (_TEXTS / name).read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            language, _, text = line.partition(" ")
            yield language, text.replace("~", "").replace("\\n", "\n")
