"""The kinds of facts that there are: an open list, from the settings."""

from __future__ import annotations

import re

DEFAULT = (
    "identity",
    "preference",
    "place",
    "work",
    "family",
    "relationship",
    "plan",
    "event",
    "health",
    "possession",
    "instruction",
    "promise",
    "recommendation",
)
#: What fits none of the others; it is always there.
OTHER = "other"

#: More would not be told apart, and would take the room of the instructions.
_MOST = 40
_NAME = re.compile(r"[^\W\d_][\w]{0,39}")


def read(listed: str) -> tuple[str, ...]:
    """Return the categories of a comma-separated list, in snake_case, `other` last. Raises ValueError."""
    names = dict.fromkeys(re.sub(r"[\s-]+", "_", name.strip().casefold()) for name in listed.split(","))
    names.pop("", None)
    names.pop(OTHER, None)
    wrong = [name for name in names if not _NAME.fullmatch(name)]
    if wrong:
        raise ValueError(f"a category is up to 40 letters, digits and underscores, not {wrong[0][:60]!r}")
    if len(names) > _MOST:
        raise ValueError(f"there may be {_MOST} categories, not {len(names)}")
    return (*names, OTHER)
