"""The sentences of prose, with the headings and items among them, in any language."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from afterturn.excerpts.spans import Block, Span

#: A sentence of more characters is several units: it is a list or a page without marks.
LONGEST_CHARACTERS = 400
#: Thai has no marks at the end of a sentence, but a blank.
_LONGEST_OF_THAI = 120
#: The head of an item or a heading is at most so long.
_HEAD_CHARACTERS = 90

#: Where a sentence ends: after a mark and a blank, or after a mark of a script that puts no blank.
_END = re.compile(
    r"[.!?\u2026]{1,8}[\"')\]*_\u201d\u2019\u00bb]{0,4}(?=\s)|[\u3002\uff01\uff1f][\u300d\u300f\uff09\u201d]?"
    r"|[\u0964\u0965\u061f\u06d4]"
)
#: No sentence ends here: "Dr. Costa", "e.g. tea", "J. Smith", "3. May", "z. B. so".
_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|dra|prof|sr|sra|st|jr|vs|no|nr|bzw|ca|approx|etc|inc|ltd|art|tel|pág|núm|т|г|ул|см|им|sn"
    r"|örn|vb)|\b\w|\b\d{1,2}|e\.g|i\.e|p\.\s?ex|z\.\s?b|d\.\s?h|u\.\s?a|a\.\s?m|p\.\s?m|т\.\s?[ек])\.$",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"[ \t>]*(?:[-*+\u2022\u2013\u00b7\u25cf\u25aa]|\(?(?:\d{1,3}|[A-Za-z]|[ivx]{1,4})[.)]|\d{1,3}[\uff0e\u3001]"
    r"|[\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d\u5341]{1,3}[\u3001\uff0e]|[\u2460-\u2473]"
    r"|[\u0e01-\u0e2e][.)])[ \t]*(?=\S)"
)
_HEADING = re.compile(r"[ \t]*(?:#{1,6}[ \t]+\S|\*\*[^*\n]+\*\*:?[ \t]*$)")
#: Where the head of an item ends: "**Tea**: ...", "Tea - ...".
_HEAD_END = re.compile(
    r"\*\*[:\uff1a]?(?=[\s:\uff1a\u2013-]|$)|[:\uff1a](?=[\s*]|[^\x00-\x7f])|[ \t][\u2013\u2014-][ \t]"
)
#: A question ends with its mark; of languages that may do without, with its particle.
_QUESTION = re.compile(
    "(?:[?\uff1f\u061f\u037e][\"')\\]*_\u201d\u2019]{0,4}|\u304b\u3002?|[\u5417\u55ce\u5462]\u3002?|[\uae4c\ub098]\uc694\\.?"
    "|\u0e44\u0e2b\u0e21(?:\u0e04\u0e23\u0e31\u0e1a|\u0e04\u0e30)?)$"
)
_SOFT_END = re.compile("[,;:\uff0c\uff1b\uff1a\u060c\u3001]?[ \t]|[\uff0c\uff1b\u3001]")
_THAI = re.compile("[\u0e01-\u0e4e]")
_BARE = re.compile(r"[^\w]*$")


class Kind(StrEnum):
    """What a unit is in its text."""

    SENTENCE = "sentence"
    HEADING = "heading"
    #: The first sentence of an item of a list.
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Unit(Span):
    """A sentence, a heading, or the first sentence of an item."""

    kind: Kind
    #: Where the head of an item or heading ends: `text[start:head_end]` names it.
    head_end: int
    #: How far an item is indented, in characters; numbered ones stand before others of the same indentation.
    level: int = 0

    def moved(self, by: int) -> Unit:
        """Return the unit in a text that has so many characters before this one."""
        return replace(self, start=self.start + by, end=self.end + by, head_end=self.head_end + by) if by else self


def find_units(text: str, blocks: Sequence[Block]) -> list[Unit]:
    """Return the units of a text outside of its blocks, in order."""
    units: list[Unit] = []
    place = 0
    for block in (*blocks, Span(len(text), len(text))):
        units += _units_between(text, place, block.start)
        place = block.end
    return units


def is_question(text: str) -> bool:
    """Return whether a sentence ends with a question mark."""
    return _QUESTION.search(text.rstrip()[-8:]) is not None


def _units_between(text: str, start: int, end: int) -> Iterator[Unit]:
    while start < end:
        line_end = text.find("\n", start, end)
        line_end = end if line_end < 0 else line_end
        yield from _units_of_line(text, start, line_end)
        start = line_end + 1


def _units_of_line(text: str, start: int, end: int) -> Iterator[Unit]:
    if _BARE.match(text, start, end):
        return
    kind, level, body = Kind.SENTENCE, 0, start
    if _HEADING.match(text[start : min(end, start + 200)]):
        kind = Kind.HEADING
    elif item := _ITEM.match(text, start, end):
        indent = len(item[0]) - len(item[0].lstrip())
        kind, level, body = Kind.ITEM, 2 * indent + (0 if item[0].strip()[0].isalnum() else 1), item.end()
    for place, span in enumerate(_sentences(text, start, body, end)):
        if place:
            yield Unit(span.start, span.end, Kind.SENTENCE, span.end)
        else:
            head_end = span.end if kind is Kind.SENTENCE else _head_end(text, body, span)
            yield Unit(span.start, span.end, kind, head_end, level)


def _head_end(text: str, body: int, sentence: Span) -> int:
    limit = min(sentence.end, body + _HEAD_CHARACTERS)
    if match := _HEAD_END.search(text, body + 1, limit):
        return match.end()
    if sentence.end <= limit:
        return sentence.end
    blank = text.rfind(" ", body, limit)
    return blank if blank > body else limit


def _sentences(text: str, start: int, body: int, end: int) -> Iterator[Span]:
    """Yield the sentences of a line; the first includes the mark of an item."""
    begin, searched = start, body
    while match := _END.search(text, searched, end):
        searched = match.end()
        if text[match.start()] == "." and _ABBREVIATION.search(text[max(start, match.start() - 8) : match.start() + 1]):
            continue
        yield from _short_enough(text, begin, searched)
        begin = searched
    if text[begin:end].strip():
        yield from _short_enough(text, begin, end)


def _short_enough(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield a sentence, or the pieces of one that is too long, which end where a clause or a word ends."""
    longest = _LONGEST_OF_THAI if _THAI.search(text, start, min(end, start + 40)) else LONGEST_CHARACTERS
    while end - start > longest:
        half = start + longest // 2
        cut = max((match.end() for match in _SOFT_END.finditer(text, half, start + longest)), default=start + longest)
        yield Span(start, cut)
        start = cut
    if text[start:end].strip():
        yield Span(start, end)
