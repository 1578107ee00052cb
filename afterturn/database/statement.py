"""A statement and its arguments, as data: whoever has a connection runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

#: One row of an answer, by column name.
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]
    #: The answer comes in binary: numbers as bytes.
    is_binary: bool = False
