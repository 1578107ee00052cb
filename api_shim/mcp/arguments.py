"""The arguments of tools that several tools have. Types are strict: what the schema does not allow is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

from afterturn import ids, turns


def _read_whole_number(value: Any) -> Any:
    """Return 5 for 5.0: JSON has one type of numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _make_storable(value: Any) -> Any:
    """Replace what no store takes (NUL, lone surrogates), as turns do."""
    return turns.make_storable(value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_make_storable), Strict()]
WholeNumber = Annotated[int, BeforeValidator(_read_whole_number), Strict()]

Query = Annotated[Text, Field(min_length=1, max_length=20_000, description="A question or a topic, in plain words.")]
SessionFilter = Annotated[
    Text | None,
    Field(max_length=ids.ID_LIMIT_CHARACTERS, description="Only from this conversation. Default: from all of them."),
]
Session = Annotated[
    Text | None,
    Field(
        min_length=1,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="The conversation, by an id that you choose. Default: one for all calls.",
    ),
]
Since = Annotated[
    datetime | None,
    Field(description="Only what was said at this time or later, with a timezone: 2026-03-01T00:00:00Z."),
]
Until = Annotated[datetime | None, Field(description="Only what was said before this time, with a timezone.")]
FactId = Annotated[Text, Field(min_length=1, max_length=100, description="The fact's id, from list_facts or recall.")]
