"""Spans of a text, and the text that is shown of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

#: Stands for what is left out. Who reads a prompt by program finds the pieces between `[...` and `...]`.
LEFT_OUT = "[...]"
#: The kind of a block that no mark names, because answers may have one after each sentence.
FORMULA = "formula"
#: A shorter gap is shown: its mark would save nothing.
SHORTEST_GAP_CHARACTERS = 24


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block(Span):
    """Lines that are no prose."""

    #: What it is: code, table, log, mail, quote, data, json, markup or formula.
    kind: str


def show_pieces(text: str, kept: Iterable[Span], blocks: Sequence[Block] = ()) -> str:
    """Return the kept spans of a text, in order, with marks for what is left out between them.

    Args:
        text: the whole text.
        kept: spans of it, in any order; they may overlap.
        blocks: the blocks of the text, in order. A mark names the kinds and the lines of those that it stands for.
    """
    shown: list[str] = []
    place = 0
    for span in _join_spans(text, kept):
        shown += [_mark(text, Span(place, span.start), blocks), text[span.start : span.end].strip()]
        place = span.end
    shown.append(_mark(text, Span(place, len(text)), blocks))
    return " ".join(filter(None, shown))


def _join_spans(text: str, kept: Iterable[Span]) -> list[Span]:
    """Return the spans in order, with those joined that overlap or have only a short gap between them."""
    joined = [Span(0, 0)]
    for span in (*sorted(kept, key=lambda each: each.start), Span(len(text), len(text))):
        last = joined[-1]
        if span.start - last.end < SHORTEST_GAP_CHARACTERS:
            joined[-1] = Span(last.start, max(last.end, span.end))
        else:
            joined.append(span)
    return joined


def _mark(text: str, gap: Span, blocks: Sequence[Block]) -> str:
    """Return what stands for a gap; empty for a gap of blanks."""
    if not text[gap.start : gap.end].strip():
        return ""
    sizes: dict[str, tuple[int, int]] = {}
    for block in blocks:
        if gap.start <= block.start and block.end <= gap.end and block.kind != FORMULA:
            characters, lines = sizes.get(block.kind, (0, 0))
            breaks = text.count("\n", block.start, block.end)
            sizes[block.kind] = characters + block.end - block.start, lines + breaks + 1
    named = f"[... {', '.join(_size(kind, *size) for kind, size in sizes.items())} ...]"
    return named if sizes and len(named) + 2 < gap.end - gap.start else LEFT_OUT


def _size(kind: str, characters: int, lines: int) -> str:
    return f"{kind}, {lines} lines" if lines > 1 else f"{kind}, {characters} characters"
