"""A statement and its arguments, as data: whoever has a connection runs it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString, TypeAlias, TypeVar

#: One row of an answer, by column name.
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]
    #: The answer comes in binary: numbers as bytes.
    is_binary: bool = False


#: The answers to some statements, in their order.
Answers: TypeAlias = Sequence[Sequence[Row]]

Result = TypeVar("Result")
#: Statements are yielded, a list for each round trip, and their answers taken, until the result is returned.
Steps: TypeAlias = Generator[list[Statement], Answers, Result]
