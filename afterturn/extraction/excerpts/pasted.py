"""What extraction shows of a person's message: all of it, but of what is pasted into it only what it is.

A long block of code, a table, a log, a mail and so on is shown by its first and last lines, with its kind and size.
"""

from __future__ import annotations

import re
from itertools import islice

from afterturn.excerpts.blocks import find_blocks
from afterturn.excerpts.spans import Block, Span, show_pieces

#: A block of at most so many characters is shown whole: a small table may be what the user says of themselves.
WHOLE_CHARACTERS = 480
#: How many lines are shown of each kind: at the beginning and at the end. The last line of a log is the error; what
#: stands under a mail is perhaps the user's again.
_SHOWN_LINES = {"mail": (4, 3), "log": (1, 2), "table": (4, 1), "quote": (2, 1), "data": (1, 1)}
_SHOWN_LINES_OF_OTHERS = (2, 1)
_LINE_CHARACTERS = 200
_LINE = re.compile(r"^[^\n]*\S[^\n]*", re.MULTILINE)


def shorten_pasted(content: str) -> str:
    """Return a message with its long blocks shortened; nearly every message is returned as it is."""
    if len(content) <= WHOLE_CHARACTERS:
        return content
    long = [block for block in find_blocks(content) if block.end - block.start > WHOLE_CHARACTERS]
    if not long:
        return content
    kept: list[Span] = []
    left_out: list[Block] = []
    place = 0
    for block in long:
        beginning, end = _ends_of(content, block)
        kept += [Span(place, beginning.end), end]
        left_out.append(Block(beginning.end, end.start, block.kind))
        place = block.end
    return show_pieces(content, [*kept, Span(place, len(content))], left_out)


def _ends_of(content: str, block: Block) -> tuple[Span, Span]:
    """Return the first and the last lines of a block; of a few long lines their first and last characters."""
    text = content[block.start : block.end]
    first, last = _SHOWN_LINES.get(block.kind, _SHOWN_LINES_OF_OTHERS)
    beginning = block.start + min(_length_of_lines(text, first), first * _LINE_CHARACTERS)
    end = block.end - min(_length_of_lines(text[::-1], last), last * _LINE_CHARACTERS)
    return Span(block.start, beginning), Span(max(beginning, end), block.end)


def _length_of_lines(text: str, count: int) -> int:
    """Return how many characters the first lines that are not blank take, with the blank ones before them."""
    return max((line.end() for line in islice(_LINE.finditer(text), count)), default=0)
