"""The relation of a statement to one that is known already."""

from __future__ import annotations

from enum import StrEnum


class Relation(StrEnum):
    """The relation of a statement to one that was said before it."""

    #: It says nothing beyond the other one.
    SAME = "same"
    #: It says all that the other one says, and more.
    REFINES = "refines"
    #: It says that the other one is over, without a new state in its place.
    ENDS = "ends"
    #: It gives a newer state of the same matter, or corrects the other one.
    REPLACES = "replaces"
    #: Both cannot be true, and neither is newer by what it says.
    CONTRADICTS = "contradicts"
