"""An SQL statement with its arguments, as data, so that the clients execute it with or without asyncio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

#: One row of a result, by column name.
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement and its arguments."""

    sql: LiteralString
    arguments: Mapping[str, Any]
    #: Whether the result is requested in binary format (numbers as bytes).
    is_binary: bool = False
