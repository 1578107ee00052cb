"""Categories: the kinds of facts. The list comes from the settings and can be extended there."""

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
#: The category of facts that fit no other one. It always exists.
OTHER = "other"

#: With more categories a model confuses them, and their list takes too much of the prompt.
_LIMIT = 40
_NAME = re.compile(r"[^\W\d_][\w]{0,39}")


def parse_categories(text: str) -> tuple[str, ...]:
    """Return the categories of a comma-separated list, in snake_case, `other` last. Raises ValueError."""
    names = dict.fromkeys(re.sub(r"[\s-]+", "_", name.strip().casefold()) for name in text.split(","))
    names.pop("", None)
    names.pop(OTHER, None)
    invalid = [name for name in names if not _NAME.fullmatch(name)]
    if invalid:
        raise ValueError(f"a category is up to 40 letters, digits and underscores, not {invalid[0][:60]!r}")
    if len(names) > _LIMIT:
        raise ValueError(f"there may be {_LIMIT} categories, not {len(names)}")
    return (*names, OTHER)
