"""What rules can say of two statements without asking anybody."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from afterturn.consolidation import attributes, likeness
from afterturn.extraction.verification import normalise

#: What the user is called where no name is known.
_USER = frozenset({"user", "the user", "i", "me"})


class Relation(StrEnum):
    """How a statement stands to another one."""

    #: It says the same.
    SAME = "same"
    #: Both cannot be current: the one that was said later is.
    REPLACES = "replaces"


class Statement(Protocol):
    """What the rules look at: a candidate or a fact."""

    @property
    def text(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def subject(self) -> str | None: ...
    @property
    def attribute(self) -> str | None: ...
    @property
    def value(self) -> str | None: ...
    @property
    def valid_from(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Names:
    """What the user is called: all of it is one subject."""

    own: frozenset[str] = _USER

    @classmethod
    def of(cls, display_names: Collection[str | None]) -> Names:
        """Return the names of a user who is called any of these; a first name stands for the whole."""
        full = {normalise(name) for name in display_names if name and name.strip()}
        return cls(_USER | full | {name.split()[0] for name in full})

    @property
    def is_any_known(self) -> bool:
        """Whether the user has a name at all."""
        return self.own != _USER

    def and_called(self, name: str) -> Names:
        """Return these names and another one."""
        return Names(self.own | Names.of([name]).own)

    def subject(self, given: str | None) -> str | None:
        """Return a subject in the form in which subjects are compared."""
        if given is None or not given.strip():
            return None
        plain = normalise(given)
        return "user" if plain in self.own else plain


def relation(one: Statement, other: Statement, names: Names) -> Relation | None:
    """Return what rules know of two statements; None when they know nothing.

    Values of a single-valued attribute are compared by `compete` and `have_same_value` instead, in the order of time.
    """
    if normalise(one.text) == normalise(other.text):
        return None if happened_twice(one, other) else Relation.SAME
    if not _have_values(one, other) or names.subject(one.subject) != names.subject(other.subject):
        return None
    if not have_same_value(one, other) or _are_different_people(one, other, names):
        return None
    assert one.attribute is not None and other.attribute is not None
    if attributes.are_opposite(one.attribute, other.attribute):
        return Relation.REPLACES
    if one.attribute != other.attribute or likeness.differ_in_detail(one.text, other.text):
        return None
    return Relation.SAME if likeness.adds_nothing_to(one.text, other.text) else None


def compete(one: Statement, other: Statement, names: Names) -> bool:
    """Return whether both give the one value of the same attribute of the same subject."""
    return (
        _have_values(one, other)
        and one.attribute == other.attribute
        and one.attribute is not None
        and attributes.is_single_valued(one.attribute)
        and names.subject(one.subject) == names.subject(other.subject)
        and not _are_different_people(one, other, names)
    )


def happened_twice(one: Statement, other: Statement) -> bool:
    """Return whether both tell of something that happened, on two different days: the same words, another event."""
    if {one.category, other.category} != {"event"} or one.valid_from is None or other.valid_from is None:
        return False
    return one.valid_from != other.valid_from


def tells_the_end_of(past: Statement, present: Statement, names: Names) -> bool:
    """Return whether one says in the past tense what the other says in the present: `worked_at` and `works_at`."""
    return (
        _have_values(past, present)
        and attributes.is_past_of(past.attribute or "", present.attribute or "")
        and names.subject(past.subject) == names.subject(present.subject)
        and have_same_value(past, present)
        and not _are_different_people(past, present, names)
    )


def have_same_value(one: Statement, other: Statement) -> bool:
    """Return whether both statements have the same value."""
    return normalise(one.value or "") == normalise(other.value or "")


def _have_values(*statements: Statement) -> bool:
    return all(found.subject and found.attribute and found.value for found in statements)


def _are_different_people(one: Statement, other: Statement, names: Names) -> bool:
    """Whether a name that is not the user's stands for two people."""
    return names.subject(one.subject) != "user" and likeness.are_of_different_people(one.text, other.text)
