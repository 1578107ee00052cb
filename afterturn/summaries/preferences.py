"""Preferences: facts about what the user prefers, each with a key and one current value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict
from uuid import UUID

from afterturn.consolidation import attributes
from afterturn.errors import InvalidInput
from afterturn.facts.validation import validate_short_text

#: Prefixes of attributes that are preferences. The rest of the attribute is the key.
_PREFIXES = ("favourite_", "favorite_", "preferred_", "prefers_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One current preference."""

    key: str
    value: str
    fact_id: UUID


class PreferenceFields(TypedDict):
    """The fields of a fact that is a preference, as arguments of `add_fact`."""

    category: str
    subject: str
    attribute: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceFact:
    """The fact that stores a preference which a person enters."""

    text: str
    fields: PreferenceFields
    since: datetime


def parse_preferences(rows: Iterable[Mapping[str, Any]]) -> list[Preference]:
    """Return the preferences among the rows of facts with attribute and value, in their order."""
    return [
        Preference(key=key, value=row["value"], fact_id=row["fact_id"])
        for row in rows
        if (key := preference_key(row["attribute"])) is not None
    ]


def values_by_key(preferences: Iterable[Preference]) -> dict[str, str]:
    """Return the values by key. Of several preferences with one key, the last one counts."""
    return {preference.key: preference.value for preference in preferences}


def find_preference(preferences: Iterable[Preference], key: str) -> Preference | None:
    """Return the last preference with this key, in any spelling; None where there is none."""
    name = _validate_key(key)
    return next((preference for preference in reversed(list(preferences)) if preference.key == name), None)


def make_preference_fact(key: str, value: str, *, name: str | None) -> PreferenceFact:
    """Return the fact that stores a preference of a user.

    Args:
        key: the preference's key, such as colour.
        value: its value, such as green.
        name: the user's display name; None where it is not known.

    Raises InvalidInput.
    """
    key, value = _validate_key(key), validate_short_text("value", value)
    subject = name or "User"
    attribute = key if attributes.is_single_valued(key) else f"preferred_{key}"
    return PreferenceFact(
        text=f"{subject}'s preference for {key.replace('_', ' ')}: {value}",
        fields=PreferenceFields(category="preference", subject=subject, attribute=attribute, value=value),
        since=datetime.now(UTC),
    )


def preference_key(attribute: str) -> str | None:
    """Return the key of an attribute: `favourite_colour` -> `colour`; None where it can have many values: `likes`."""
    name = _to_snake_case(attribute)
    for prefix in _PREFIXES:
        if name.startswith(prefix) and name != prefix:
            return name.removeprefix(prefix)
    return name if attributes.is_single_valued(name) else None


def _validate_key(key: str) -> str:
    name = _to_snake_case(validate_short_text("key", key))
    if not name:
        raise InvalidInput("key must contain a letter or a digit")
    return preference_key(name) or name


def _to_snake_case(name: str) -> str:
    """Return an attribute or key in snake_case: `Favourite colour` -> `favourite_colour`."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name.casefold()).split())
