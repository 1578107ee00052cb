"""Find the sentences of a text, without quotations of other people and code."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A longer sentence is not a statement in a conversation, but a list, a log or a pasted page.
SENTENCE_LIMIT_CHARACTERS = 600
#: A turn with more sentences contains a pasted document. What the writer says about themselves is at the start.
SENTENCES_PER_TEXT = 600

_BOUNDARY = re.compile(
    r"[.!?\u2026\u3002\uff01\uff1f]{1,16}[\"')\]\u201d\u2019]?(?=\s|$)|[\u3002\uff01\uff1f\u0964\u061f\u06d4]|\n"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|e\.g|i\.e|etc|approx|no|mt|ft|inc|ltd|[A-Z])\.$", re.IGNORECASE
)
_INITIAL = re.compile(r"(?:^|\s)[a-z]\.$|(?:^|\s)(?:no|etc)\.$")
_HALF_OF_DAY = re.compile(r"\b[ap]\.m\.$")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`|^[ \t]*>[^\n]*$", re.DOTALL | re.MULTILINE)
_QUOTATION = re.compile(r"[\"\u201c](?=\S)[^\"\u201c\u201d\n]{1,1200}[\"\u201d]")
_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|we|my|me)\b", re.IGNORECASE)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each sentence of a text, in order, without surrounding blanks.

    Sentences with code, quoted lines, or a quotation in the first person are left out, because they are not the
    writer's own statement.
    """
    masked = _masked(text)
    start, count = 0, 0
    for end in _ends(masked):
        span = _stripped(masked, start, end)
        start = end
        if span is None or "\x00" in masked[span[0] : span[1]]:
            continue
        yield span
        count += 1
        if count >= SENTENCES_PER_TEXT:
            return


def _ends(text: str) -> Iterator[int]:
    for boundary in _BOUNDARY.finditer(text):
        before = text[max(0, boundary.start() - 12) : boundary.start() + 1]
        if boundary.group().startswith(".") and len(boundary.group()) == 1 and _is_abbreviation(before, text, boundary):
            continue
        yield boundary.end()
    yield len(text)


def _is_abbreviation(before: str, text: str, boundary: re.Match[str]) -> bool:
    following = text[boundary.end() : boundary.end() + 2].strip()
    if _HALF_OF_DAY.search(before):
        return following[:1].islower()
    if _INITIAL.search(before):
        return False
    return _ABBREVIATION.search(before) is not None and not before.endswith("I.")


def _stripped(text: str, start: int, end: int) -> tuple[int, int] | None:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip(" \t\r\n-*\u2022\u2013\u2014#"))
    piece_end = len(piece.rstrip())
    if left >= piece_end or piece_end - left > SENTENCE_LIMIT_CHARACTERS:
        return None
    return start + left, start + piece_end


def _masked(text: str) -> str:
    """Return the text with NUL in place of code and quotations, at the same length."""
    text = text.replace("\x00", " ")
    if "`" in text or ">" in text:
        text = _CODE.sub(lambda match: "\x00" * len(match.group()), text)
    if '"' in text or "\u201c" in text:
        text = _QUOTATION.sub(_mask_quotation, text)
    return text


def _mask_quotation(match: re.Match[str]) -> str:
    quotation = match.group()
    return "\x00" * len(quotation) if _FIRST_PERSON.search(quotation) else quotation
