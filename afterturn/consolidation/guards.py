"""Guards: rules that overrule a verdict, because to follow it would lose or mix what statements say."""

from __future__ import annotations

from enum import StrEnum


class Guard(StrEnum):
    """The reason for which a verdict is not followed. Both statements then stay."""

    #: Each has a number, a date, a unit or a name where the other has another one.
    NUMBERS = "numbers"
    DATES = "dates"
    UNITS = "units"
    NAMES = "names"
    #: One denies what the other says.
    NEGATION = "negation"
    #: Two events of different days.
    EVENTS = "events"
    #: Only the beginning of one was shown to the model: the rest may say more.
    CUT = "cut"
    #: A person entered or pinned one of them, and the other says more.
    PROTECTED = "protected"
    #: The statement that shall end the other was said before it.
    ORDER = "order"
    #: Each says something that the other lacks, and both together are too long for one statement.
    LENGTH = "length"
