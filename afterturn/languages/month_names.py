"""The months that a text names, by the names of CLDR (`data/months.json`, written by `tools/months.py`)."""

from __future__ import annotations

import itertools
import json
import re
from functools import cache
from importlib.resources import files

from afterturn.languages import segmentation

_DEFAULT = "en"
#: In these languages the name of a month has endings that no list of names has.
_INFLECTED_LIST = "ru uk pl cs sk sl hr sr bg fi et hu tr lt lv el hy"
_INFLECTED = frozenset(_INFLECTED_LIST.split())
#: Chinese, Japanese and Korean number the months.
_NUMBERED = re.compile(r"(?<!\d)(1[0-2]|[1-9])\s?[\u6708\uc6d4]")
_SHORTEST_INFLECTED = 4


def find_months(text: str, language: str | None) -> frozenset[int]:
    """Return the months, 1 to 12, that a normalized text names."""
    if language in ("zh", "ja", "ko"):
        return frozenset(int(number) for number in _NUMBERED.findall(text))
    names = _names().get(language or _DEFAULT, _names()[_DEFAULT])
    # "may" in lower case is a verb in English.
    found = (match[0] for match in _pattern(language or _DEFAULT).finditer(text) if match[0] != "may")
    return frozenset(_number(name.casefold(), names) for name in found)


def _number(found: str, names: dict[str, int]) -> int:
    """Return the month of a name, perhaps with another ending: that of the name with which it shares most letters."""
    return names.get(found) or names[max(names, key=lambda name: _count_shared_letters(found, name))]


def _count_shared_letters(found: str, name: str) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(found, name, strict=False)))


@cache
def _pattern(language: str) -> re.Pattern[str]:
    names = sorted(_names().get(language, _names()[_DEFAULT]), key=len, reverse=True)
    if language in _INFLECTED:
        names = [rf"{name[:-1]}\w{{0,3}}" if len(name) >= _SHORTEST_INFLECTED else name for name in names]
    marks = segmentation.MARKS
    ends = "" if language == "th" else rf"(?![\w{marks}])"
    starts = "" if language == "th" else rf"(?<![\w{marks}])"
    return re.compile(f"{starts}(?:{'|'.join(names)}){ends}", re.IGNORECASE)


@cache
def _names() -> dict[str, dict[str, int]]:
    data = files("afterturn.languages").joinpath("data", "months.json").read_text("utf-8")
    names: dict[str, dict[str, int]] = json.loads(data)
    return names
