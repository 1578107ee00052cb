"""Which attributes have one current value, and which may have many."""

from __future__ import annotations

#: A person has one of these at a time: another value supersedes it. Everything not named here may have many values,
#: because keeping two is a smaller fault than losing one.
_SINGLE = frozenset(
    {
        "age",
        "birthday",
        "born_in",
        "born_on",
        "diet",
        "email",
        "employer",
        "gender",
        "home_town",
        "job",
        "job_title",
        "lives_in",
        "marital_status",
        "married_to",
        "name",
        "nationality",
        "phone",
        "pronouns",
        "relationship_status",
        "timezone",
        "works_as",
        "works_at",
    }
)
_SINGLE_PREFIXES = ("favourite_", "favorite_", "preferred_", "current_", "prefers_")


def is_single_valued(attribute: str) -> bool:
    """Return whether a new value of this attribute supersedes the old one."""
    return attribute in _SINGLE or attribute.startswith(_SINGLE_PREFIXES)
