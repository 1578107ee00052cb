"""Korean attaches particles and endings to words. Without them, a question and a text have the same word.

PostgreSQL has no stemmer of Korean, and a morphological analyser needs a dictionary of 90 MB. The list of particles is
short and closed, so a rule finds most of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Particles after nouns, the copula, and the polite ends of questions and statements; the longest first.
_PARTICLE_LIST = (
    "이었어요 였어요 이었나요 였나요 이었죠 였죠 이에요 이예요 예요 에요 입니까 입니다 인가요 이라고 라고 이라는 라는 "
    "이랑 랑 이지요 이죠 지요 죠 에서는 에서의 에서도 에게서 한테서 에서 에게 한테 께서 께 으로는 으로의 으로 로는 로 "
    "부터 까지 처럼 보다 마다 조차 밖에 이나 하고 과의 와의 과는 와는 에는 에도 은요 는요 인데 이고 "
    "을 를 은 는 이 가 의 에 도 만 와 과 나 요"
)
#: Many nouns end with one of these syllables themselves: "고양이".
_AMBIGUOUS = {"이", "나", "도", "의", "요"}


def _any_of(particles: Iterable[str]) -> str:
    return "|".join(sorted(particles, key=len, reverse=True))


_PARTICLES = set(_PARTICLE_LIST.split())
_LONG = re.compile(rf"([\uac00-\ud7a3]{{2,}}?)(?:{_any_of(_PARTICLES - _AMBIGUOUS)})")
#: One syllable: before a particle of one syllable it is less sure, because the two may be a word: "나이".
_SHORT = re.compile(rf"([\uac00-\ud7a3])(?:{_any_of(_PARTICLES)})")
_SURELY_SHORT = re.compile(rf"([\uac00-\ud7a3])(?:{_any_of(each for each in _PARTICLES if len(each) > 1)})")


def stem(word: str) -> str:
    """Return a word without the particle at its end; the word itself where that is not sure.

    >>> stem("고양이가"), stem("고양이"), stem("색이에요"), stem("나이")
    ('고양이', '고양이', '색', '나이')
    """
    match = _SURELY_SHORT.fullmatch(word) or _LONG.fullmatch(word)
    return match[1] if match else word


def short_stem(word: str) -> str | None:
    """Return the one syllable before a particle, which may be a word; None where there is none.

    >>> short_stem("차를"), short_stem("자동차를")
    ('차', None)
    """
    match = _SHORT.fullmatch(word)
    return match[1] if match else None
