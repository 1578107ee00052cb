"""Pieces of a turn that is too long for the model: halves that overlap, and halves of them.

A piece is named by its path: "" is the whole turn, "0" its first half, "01" the second half of that.
"""

from __future__ import annotations

#: A piece of fewer characters is not halved: a model that cannot read it cannot read the instructions either.
MIN_CHARACTERS = 800

#: What both halves contain, so that a statement at the seam is whole in one of them.
_OVERLAP_CHARACTERS = 200


def can_halve(text: str) -> bool:
    """Return whether a piece is long enough to be halved."""
    return len(text) >= MIN_CHARACTERS


def text_of(content: str, path: str) -> str:
    """Return the text of a piece of a turn."""
    for half in path:
        middle = len(content) // 2
        overlap = min(_OVERLAP_CHARACTERS, len(content) // 8)
        content = content[: middle + overlap] if half == "0" else content[middle - overlap :]
    return content


def halves_of(path: str) -> tuple[str, str]:
    """Return the paths of the two halves of a piece."""
    return f"{path}0", f"{path}1"
