"""Words of the present and of change: whether a question asks for what holds now, and whether a text tells a change.

"Where do I work these days?" is best answered by the newest text that says that something is different since. No
library lists these words; `data/present.json` does. In it, `*` stands for the end of a word, or for one word between.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from afterturn.languages import segmentation

#: Where a language is not known, or has no list.
_DEFAULT = "en"


def asks_for_present(question: str, language: str | None) -> bool:
    """Return whether a question asks for what holds now, as opposed to earlier."""
    return _pattern("present", _listed(language)).search(question) is not None


def tells_change(text: str, language: str | None) -> bool:
    """Return whether a text says that something is new, or different from before."""
    return _pattern("change", _listed(language)).search(text) is not None


def _listed(language: str | None) -> str:
    return language if language in _words() else _DEFAULT


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    data = files("afterturn.languages").joinpath("data", "present.json").read_text("utf-8")
    listed: dict[str, dict[str, list[str]]] = json.loads(data)
    return listed


@cache
def _pattern(kind: str, language: str) -> re.Pattern[str]:
    words = sorted(map(_expression, _words()[language][kind]), key=len, reverse=True)
    alternatives = "|".join(words)
    if language in segmentation.UNSPACED_LANGUAGES:
        return re.compile(alternatives)
    marks = segmentation.MARKS
    return re.compile(rf"(?<![\w{marks}])(?:{alternatives})(?![\w{marks}])", re.IGNORECASE)


def _expression(words: str) -> str:
    return re.escape(words).replace(r"\ \*\ ", r"\ \S+\ ").replace(r"\*", r"\w*")
