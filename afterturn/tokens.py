"""Estimate the number of tokens of a text without a model's tokenizer."""

from __future__ import annotations

import re

#: English has about four characters per token; a word or a punctuation mark has at least one token.
_PIECE = re.compile(r"\w+|[^\w\s]")
_CHARACTERS_PER_TOKEN = 4


def estimate(text: str) -> int:
    """Return the estimated number of tokens of `text`, at least 1."""
    return _by_length(text) if text.isascii() else _by_pieces(text)


def estimate_as_part(text: str) -> int:
    """Return an upper bound of what `text` adds to the estimate of a longer text that contains it.

    The longer text may be non-ASCII, so that the other rule applies to all of it: the larger estimate counts.
    """
    return max(_by_length(text), _by_pieces(text)) if text.isascii() else _by_pieces(text)


def _by_length(text: str) -> int:
    return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))


def _by_pieces(text: str) -> int:
    # Other scripts have more tokens per character: count the bytes of long pieces, and one token for each short piece.
    return max(1, sum(max(1, len(piece.encode()) // _CHARACTERS_PER_TOKEN) for piece in _PIECE.findall(text)))
