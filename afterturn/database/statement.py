"""An SQL statement with its arguments, as data, so that the clients execute it with or without asyncio."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias, TypeVar

#: One row of a result, by column name.
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]
    #: Whether the result is requested in binary format (numbers as bytes).
    is_binary: bool = False
    #: Whether it sets the user of its transaction itself. Alone, it needs no statement before it.
    names_user: bool = False


#: The answers to some statements, in their order.
Answers: TypeAlias = Sequence[Sequence[Row]]

Result = TypeVar("Result")
#: Statements are yielded, a list for each round trip, and their answers taken, until the result is returned.
Steps: TypeAlias = Generator[list[Statement], Answers, Result]
