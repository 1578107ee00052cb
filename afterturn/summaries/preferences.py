"""Preferences by key: facts about what the user prefers, each with one current value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict
from uuid import UUID

from afterturn.consolidation import attributes
from afterturn.errors import InvalidInput
from afterturn.facts.validation import validate_short_text

#: What an attribute that says a preference begins with; the rest is its key.
_PREFIXES = ("favourite_", "favorite_", "preferred_", "prefers_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """One current preference."""

    key: str
    value: str
    fact_id: UUID


class Columns(TypedDict):
    """What makes a fact a preference, as `add_fact` takes it."""

    category: str
    subject: str
    attribute: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidPreference:
    """A preference as a person enters it: the fact that it is."""

    text: str
    columns: Columns
    since: datetime


def of_rows(rows: Iterable[Mapping[str, Any]]) -> list[Preference]:
    """Return the preferences among facts with attribute and value, in their order."""
    return [
        Preference(key=key, value=row["value"], fact_id=row["fact_id"])
        for row in rows
        if (key := key_of(row["attribute"])) is not None
    ]


def by_key(found: Iterable[Preference]) -> dict[str, str]:
    """Return the values; of several with one key, the last counts."""
    return {preference.key: preference.value for preference in found}


def latest(found: Iterable[Preference], key: str) -> Preference | None:
    """Return the preference that counts for a key, however it is spelled; None where there is none."""
    name = _key_named(key)
    return next((preference for preference in reversed(list(found)) if preference.key == name), None)


def said(key: str, value: str, *, name: str | None) -> SaidPreference:
    """Return the fact that a preference is, for the user of this name. Raises InvalidInput."""
    key, value = _key_named(key), validate_short_text("value", value)
    subject = name or "User"
    attribute = key if attributes.is_single_valued(key) else f"preferred_{key}"
    return SaidPreference(
        text=f"{subject}'s preference for {key.replace('_', ' ')}: {value}",
        columns=Columns(category="preference", subject=subject, attribute=attribute, value=value),
        since=datetime.now(UTC),
    )


def key_of(attribute: str) -> str | None:
    """Return the key of a preference: `favourite_colour` -> `colour`; None where many may hold at once, as `likes`."""
    name = _normalised(attribute)
    for prefix in _PREFIXES:
        if name.startswith(prefix) and name != prefix:
            return name.removeprefix(prefix)
    return name if attributes.is_single_valued(name) else None


def _key_named(key: str) -> str:
    name = _normalised(validate_short_text("key", key))
    if not name:
        raise InvalidInput("key must hold a letter or a digit")
    return key_of(name) or name


def _normalised(name: str) -> str:
    """Return an attribute or key in snake_case: `Favourite colour` -> `favourite_colour`."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in name.casefold()).split())
