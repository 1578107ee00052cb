"""The relation of a statement to one that is known already."""

from __future__ import annotations

from enum import StrEnum


class Relation(StrEnum):
    """The relation of a statement to another one.

    `same`, `refines` and `ends` have a direction: what the first says of the second. With `replaces` the times decide
    which of the two is current, and `contradicts` has no direction.
    """

    #: It says nothing beyond the other.
    SAME = "same"
    #: It says all that the other says, and more: a fuller wording of the same.
    REFINES = "refines"
    #: It says that what the other says is over, without a new value.
    ENDS = "ends"
    #: A newer state of the same matter: of the two, the one that was said later is current.
    REPLACES = "replaces"
    #: Both cannot be true, and none is newer by what it says: both stay, linked.
    CONTRADICTS = "contradicts"
