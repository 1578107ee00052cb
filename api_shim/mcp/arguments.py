"""The arguments of several tools. Types are strict: what the schema of a tool does not allow is refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from afterturn import ids, turns

#: The longest question. A question of any length is answered by the words at its beginning.
QUERY_CHARACTERS = 20_000


def _read_whole_number(value: Any) -> Any:
    """Return 5 for 5.0: JSON has one type of numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _make_storable(value: Any) -> Any:
    """Replace what no store takes (NUL, lone surrogates), as turns do."""
    return turns.make_storable(value) if isinstance(value, str) else value


def _require_text(value: Any) -> Any:
    """Refuse numbers, which pydantic would take for seconds since 1970."""
    if value is None or isinstance(value, str):
        return value
    raise PydanticCustomError("string_type", "Input should be a valid string")


Text = Annotated[str, BeforeValidator(_make_storable), Strict()]
#: An id is refused where a text would be changed.
Id = Annotated[str, Strict()]
#: Comes after the limits of a number, which are part of the schema only then.
WHOLE_NUMBER = BeforeValidator(_read_whole_number)
Time = Annotated[datetime | None, BeforeValidator(_require_text)]

Query = Annotated[
    Text, Field(min_length=1, max_length=QUERY_CHARACTERS, description="A question or a topic, in plain words.")
]
SessionFilter = Annotated[
    Id | None,
    Field(
        min_length=1,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="Only from this conversation. Default: from all of them.",
    ),
]
Session = Annotated[
    Id | None,
    Field(
        min_length=1,
        max_length=ids.ID_LIMIT_CHARACTERS,
        description="The conversation, by an id that you choose. Default: one for all calls.",
    ),
]
Since = Annotated[
    Time, Field(description="Only what was said at this time or later, with a timezone: 2026-03-01T00:00:00Z.")
]
Until = Annotated[Time, Field(description="Only what was said before this time, with a timezone.")]
FactId = Annotated[Id, Field(min_length=1, max_length=100, description="The fact's id, from list_facts or recall.")]
