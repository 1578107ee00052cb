"""Recognise a turn that announces another subject, such as "By the way, ...", in the languages that afterturn knows.

A change that nobody announces is not recognised: by the words of the turns, half of what looks like one is none.
"""

from __future__ import annotations

import re

#: A longer turn is a document or a long answer, in which such words mean little.
_MAX_CHARACTERS = 1_000

_SPACED = r"""
    by the way|btw|on another note|on a different note|on an unrelated note|change the subject|changing the subject
    change of subject
    switching topics|different topic|unrelated, but
    übrigens|themenwechsel|anderes thema|was anderes|ganz etwas anderes
    au fait|pour changer de sujet|rien à voir,? mais|autre sujet
    por cierto|cambiando de tema|cambio de tema
    por falar nisso|mudando de assunto|a propósito(?! d)
    a proposito(?! d)|cambiando argomento|cambio argomento
    trouwens|ander onderwerp
    кстати|между прочим|сменим тему|другая тема
    bu arada|konuyu değiştir\w*|başka bir konu
    بالمناسبة|على فكرة|موضوع آخر|لنغير الموضوع
    बाय द वे|विषय बदल\w*|एक और बात
    그건 그렇고|다른 얘기지만|딴 얘기지만|딴 얘긴데|다른 이야기지만
"""
_UNSPACED = r"""
    换个话题|換個話題|顺便说|順便說|顺便问|順便問|对了[,\uff0c]|對了[,\uff0c]
    ところで|そういえば|話は変わ|話が変わ|話変わ
    ว่าแต่|เปลี่ยนเรื่อง|อีกเรื่องหนึ่ง
"""


def _phrases(lines: str) -> list[str]:
    return [phrase for line in lines.split("\n") if line.strip() for phrase in line.strip().split("|")]


_CHANGE = re.compile(rf"(?<!\w)(?:{'|'.join(_phrases(_SPACED))})(?!\w)|{'|'.join(_phrases(_UNSPACED))}")
#: The beginning of each phrase. Nearly all texts have none of them, and the search for a plain text is fast.
_BEGINNINGS = tuple({re.split(r"[(\[\\,?]", phrase)[0] for phrase in _phrases(_SPACED) + _phrases(_UNSPACED)})


def announces_subject(content: str) -> bool:
    """Return whether a turn announces another subject."""
    if len(content) > _MAX_CHARACTERS:
        return False
    text = content.lower()
    return any(beginning in text for beginning in _BEGINNINGS) and _CHANGE.search(text) is not None
