"""Rules that compare two statements without an LLM call."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from afterturn.consolidation import attributes, text_comparison
from afterturn.extraction.verification import normalise
from afterturn.lives import Life
from afterturn.relation import Relation

#: Subjects that mean the user, also while no name is known.
_USER_WORDS = frozenset({"user", "the user", "i", "me"})


class HasLife(Protocol):
    """A statement of a life."""

    @property
    def attribute(self) -> str | None: ...
    @property
    def life(self) -> str | None: ...


class Comparable(Protocol):
    """What the rules compare: a candidate or a fact."""

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
    def life(self) -> str | None: ...
    @property
    def valid_from(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class UserNames:
    """The names of the user. As subjects of statements they all mean the same."""

    #: Normalised names, and words for the user such as "the user".
    names: frozenset[str] = _USER_WORDS

    @classmethod
    def from_display_names(cls, display_names: Collection[str | None]) -> UserNames:
        """Return the names of a user with these display names. The first name alone is a name as well."""
        full_names = {normalise(name) for name in display_names if name and name.strip()}
        return cls(_USER_WORDS | full_names | {name.split()[0] for name in full_names})

    @property
    def is_known(self) -> bool:
        """Whether any name of the user is known."""
        return self.names != _USER_WORDS

    def with_name(self, name: str) -> UserNames:
        """Return these names and a further one."""
        return UserNames(self.names | UserNames.from_display_names([name]).names)

    def normalise_subject(self, subject: str | None) -> str | None:
        """Return a subject in the form in which subjects are compared: "user" for every name of the user."""
        if subject is None or not subject.strip():
            return None
        normalised = normalise(subject)
        return "user" if normalised in self.names else normalised


def find_relation(one: Comparable, other: Comparable, names: UserNames) -> Relation | None:
    """Return the relation of two statements; None if the rules do not know it.

    Values of a single-valued attribute are not compared here: use `are_competing_values` and `have_same_value`, and the
    order of time.
    """
    if normalise(one.text) == normalise(other.text):
        return None if are_separate_events(one, other) else Relation.SAME
    if not (has_value(one) and has_value(other)) or not _have_same_subject(one, other, names):
        return None
    if not have_same_value(one, other) or _are_different_people(one, other, names):
        return None
    assert one.attribute is not None and other.attribute is not None
    if attributes.are_opposite(one.attribute, other.attribute) or _are_attitudes_to_one_matter(one, other):
        return Relation.REPLACES
    if one.attribute != other.attribute or text_comparison.differ_in_detail(one.text, other.text):
        return None
    return Relation.SAME if text_comparison.adds_no_words_to(one.text, other.text) else None


def are_competing_values(one: Comparable, other: Comparable, names: UserNames) -> bool:
    """Return whether both give a value to the same single-valued attribute of the same subject.

    A state or an attitude is the only one of its matter.
    """
    return (
        has_value(one)
        and has_value(other)
        and one.attribute == other.attribute
        and has_one_value(one)
        and has_one_value(other)
        and _have_same_subject(one, other, names)
        and not _are_different_people(one, other, names)
    )


def has_one_value(statement: HasLife) -> bool:
    """Return whether the statement's attribute has one current value: a new one supersedes the old one."""
    attribute = statement.attribute
    if attribute is None:
        return False
    is_of_one_matter = statement.life in (Life.STATE, Life.ATTITUDE) and attributes.has_one_state(attribute)
    return is_of_one_matter or attributes.is_single_valued(attribute)


def _are_attitudes_to_one_matter(one: Comparable, other: Comparable) -> bool:
    """Return whether both say with different words what a person thinks of the same matter: likes, loves."""
    return (
        one.life == other.life == Life.ATTITUDE
        and one.attribute != other.attribute
        and attributes.is_attitude(one.attribute or "")
        and attributes.is_attitude(other.attribute or "")
        and not text_comparison.differ_in_detail(one.text, other.text)
    )


def are_separate_events(one: Comparable, other: Comparable) -> bool:
    """Return whether both are events of different days, although the text is the same."""
    if {one.category, other.category} != {"event"} or one.valid_from is None or other.valid_from is None:
        return False
    return one.valid_from != other.valid_from


def states_end_of(past: Comparable, present: Comparable, names: UserNames) -> bool:
    """Return whether `past` says in the past tense what `present` says in the present: `worked_at` and `works_at`."""
    return (
        has_value(past)
        and has_value(present)
        and attributes.is_past_of(past.attribute or "", present.attribute or "")
        and _have_same_subject(past, present, names)
        and have_same_value(past, present)
        and not _are_different_people(past, present, names)
    )


def have_same_value(one: Comparable, other: Comparable) -> bool:
    """Return whether both statements have the same value."""
    return normalise(one.value or "") == normalise(other.value or "")


def _have_same_subject(one: Comparable, other: Comparable, names: UserNames) -> bool:
    return names.normalise_subject(one.subject) == names.normalise_subject(other.subject)


def has_value(statement: Comparable) -> bool:
    """Return whether the statement gives an attribute of a subject a value."""
    return bool(statement.subject and statement.attribute and statement.value)


def _are_different_people(one: Comparable, other: Comparable, names: UserNames) -> bool:
    """Return whether the subject is a name of two people, and not the user."""
    is_user = names.normalise_subject(one.subject) == "user"
    return not is_user and text_comparison.name_different_relations(one.text, other.text)
