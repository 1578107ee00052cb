"""The words of a Thai question, by a dictionary: `data/thai.json`, the word lists of PyThaiNLP (CC0).

A text needs no dictionary: it is split into pieces. In a question, which is short, the words decide which of these
pieces belong together, and which say nothing about the topic.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from importlib.resources import files

_RUN = re.compile("[\u0e01-\u0e4e]+")
_LONGEST_WORD = 20
#: Words that count things, which a question has beside the thing; the list of stop words lacks them.
_CLASSIFIER_LIST = "คน ตัว คัน อัน ใบ เล่ม ชิ้น เรื่อง ลูก แห่ง หลัง ดวง เครื่อง ฉบับ ต้น"
_CLASSIFIERS = frozenset(_CLASSIFIER_LIST.split())
#: Vowels that belong to the letter before them, besides the combining ones.
_FOLLOWING_VOWELS = "\u0e30\u0e32\u0e33\u0e45"


def find_words(text: str) -> list[str]:
    """Return the words of the runs of Thai in a text, without stop words; all words if there are only stop words."""
    words = [word for run in _RUN.findall(text) for word in _split(run)]
    stop_words = _lists()["stop_words"] | _CLASSIFIERS
    return list(dict.fromkeys(word for word in words if word not in stop_words)) or list(dict.fromkeys(words))


def remove(text: str) -> str:
    """Return a text without its runs of Thai."""
    return _RUN.sub(" ", text)


def _split(run: str) -> list[str]:
    """Return the words of a run: those that leave fewest characters outside the dictionary, then the fewest words."""
    known = _lists()["words"]
    #: By end: (characters of no word, number of words, start of the last word).
    best: list[tuple[int, int, int]] = [(0, 0, 0)] + [(len(run) + 1, 0, 0)] * len(run)
    starts = [place for place in range(len(run)) if _may_start(run[place])]
    for start in starts:
        unknown, count, _ = best[start]
        for end in [*(place for place in starts if start < place <= start + _LONGEST_WORD), len(run)]:
            outside = 0 if run[start:end] in known else end - start
            best[end] = min(best[end], (unknown + outside, count + 1, start))
    words, end = [], len(run)
    while end:
        start = best[end][2]
        words.append(run[start:end])
        end = start
    return words[::-1]


def _may_start(character: str) -> bool:
    return unicodedata.category(character) != "Mn" and character not in _FOLLOWING_VOWELS


@cache
def _lists() -> dict[str, frozenset[str]]:
    text = files("afterturn.languages").joinpath("data", "thai.json").read_text("utf-8")
    return {name: frozenset(words) for name, words in json.loads(text).items()}
