"""The topics of a text: its words without function words and vague words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_WORD = re.compile(r"[^\W\d_][\w'-]*|\d{4}")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTION_WORDS = _words(
    """
    a about above across after again against ago all almost along already also although always am among an and
    another any anyone anything are around as at away back be became because become been before behind being
    below between both but by came can cannot come could did do does doing done down during each either else
    enough even ever every everyone everything few for from full gave get gets getting give go goes going gone
    got had has have having he her here hers herself him himself his how however i if in instead into is it its
    itself just kept least less let like lot lots made make makes making many may maybe me might mine more most
    much must my myself near need never next no nobody none nor not nothing now of off often on once one only or
    other others our ours ourselves out over own per perhaps put quite rather really same see seem seems seen
    several shall she should since so some someone something sometimes soon still such take taken takes taking
    than that the their theirs them themselves then there these they this those though through till to together
    too took toward towards under until up upon us use used very was way we well went were what when where
    whether which while who whole whom whose why will with within without would yes yet you your yours yourself
    user recently currently
    """
)
#: Words that fit any topic. Nobody searches for a sentence that contains only these.
_VAGUE_WORDS = _words(
    """
    able absolutely amazing appreciate aspect aspects awesome bad beautiful believe best better big bit
    certainly chance cool crucial day days definitely different easy especially essential exciting excited
    experience experiences fantastic feel feeling feels felt find forward fun future glad goal goals good
    grateful great happy hard help helpful helps hope hoping idea ideas important incredible inspiring
    interesting journey keep kind know life look looking love lovely meaningful means moment moments new nice
    part path people perfect place point positive possible possibilities powerful pretty right sense share
    sharing special step steps stuff sure thank thankful thanks thing things think thought time times today
    totally try trying tried understand valuable values vital want wanted ways wonderful work working world wow
    year years long little first last also truly keeps excitement continue continuing true real small fully
    overall process opportunity opportunities challenge challenges impact difference change changes focus
    focused ensure ensuring growth learn learning explore progress stay staying support supportive monday
    tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december named called old lives loves likes wants needs tries insights approach eager
    motivated inspired ready confident curious
    """
)


def content_words(text: str) -> list[str]:
    """Return the words of a text without function words, in lower case, in order."""
    return [
        word
        for word in (match.group().lower().removesuffix("'s") for match in _WORD.finditer(text))
        if word not in _FUNCTION_WORDS and len(word) > 1
    ]


def specific_words(text: str) -> list[str]:
    """Return the content words of a text that are not vague."""
    return [word for word in content_words(text) if word not in _VAGUE_WORDS]


def stem(word: str) -> str:
    """Return a rough stem, the same for `paints`, `painted` and `painting`."""
    for ending in ("ations", "ation", "ings", "ing", "ies", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def pick_topics(text: str, without: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to `limit` topics of a text, names and long words first, without the words of some names."""
    excluded = {word.lower() for name in without for word in name.split()}
    candidates = dict.fromkeys(word for word in specific_words(text) if word not in excluded and not word.isdigit())
    ranked = sorted(candidates, key=lambda word: (word.capitalize() not in text or word in text, -len(word)))
    return tuple(ranked[:limit])


def frequent_topics(texts: Iterable[str], without: Iterable[str], limit: int) -> list[str]:
    """Return the most frequent topics of texts, without the words of some names."""
    excluded = {word.lower() for name in without for word in name.split()}
    counts: Counter[str] = Counter()
    word_of_stem: dict[str, str] = {}
    for text in texts:
        for word in dict.fromkeys(specific_words(text)):
            if word not in excluded and not word.isdigit():
                word_of_stem.setdefault(stem(word), word)
                counts[stem(word)] += 1
    return [word_of_stem[root] for root, _ in counts.most_common(limit)]
