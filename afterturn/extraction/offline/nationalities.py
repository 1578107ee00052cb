"""Capitalised words after "I am" that are not names: nationalities, faiths, personality types."""

from __future__ import annotations

import re

_NATIONALITY = re.compile(
    r"(?:\w+(?:ish|ese)|(?:South |North )?Korean|American|German|Italian|Canadian|Australian|Brazilian"
    r"|Indian|Russian|Mexican"
    r"|European|African|Asian|Austrian|Belgian|Norwegian|Egyptian|Greek|French|Dutch|Swiss|Ukrainian"
    r"|Hungarian|Romanian"
    r"|Bulgarian|Croatian|Serbian|Slovenian|Slovak|Czech|Estonian|Latvian|Lithuanian|Icelandic|Colombian|Argentinian"
    r"|Chilean|Peruvian|Venezuelan|Cuban|Nigerian|Kenyan|Ghanaian|Ethiopian|South African|Moroccan|Algerian|Tunisian"
    r"|Iranian|Persian|Iraqi|Israeli|Saudi|Syrian|Palestinian|Jordanian|Pakistani|Bangladeshi|Indonesian|Malaysian"
    r"|Singaporean|Filipino|Filipina|Thai|Welsh|Scottish|Catalan|Basque|Latino|Latina|Hispanic|Kiwi"
    r"|Georgian|Armenian)"
)
_FAITH = re.compile(
    r"(?:Catholic|Christian|Protestant|Orthodox|Muslim|Jewish|Buddhist|Hindu|Sikh|Atheist|Agnostic|Mormon)"
)
_OTHER = re.compile(
    r"(?:Vegan|Vegetarian|Happy|Sorry|Fine|Good|Here|Back|Going|Not|So|Very|Tired|Glad|Sure|Really|Just"
    r"|Also|Female|Male"
    r"|[EI][NS][FT][JP]|CEO|CTO|CFO|Gen)"
)


def is_nationality(word: str) -> bool:
    """Return whether a word is an adjective of nationality."""
    return _NATIONALITY.fullmatch(word) is not None


def is_faith(word: str) -> bool:
    """Return whether a word names a faith, or the absence of one."""
    return _FAITH.fullmatch(word) is not None


def may_be_name(words: str) -> bool:
    """Return whether capitalised words after "I am" can be the name of a person."""
    first = words.split()[0]
    return not (is_nationality(first) or is_faith(first) or _OTHER.fullmatch(first))
