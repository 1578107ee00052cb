"""The files of the cold archive: JSON Lines, compressed with gzip, so that every tool can read them.

The first line is a header with the format and the number of turns. Each other line is a turn.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from afterturn.errors import ColdObjectDamaged

FORMAT = "afterturn.cold/1"

#: The place of a turn: its session, and its position in it.
Place = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdTurn:
    """One turn of a file."""

    session_id: str
    position: int
    content: str

    @property
    def place(self) -> Place:
        return self.session_id, self.position


def encode(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the file with these rows of turns: the same bytes for the same rows."""
    lines = [json.dumps(dict(row), ensure_ascii=False, sort_keys=True, default=str) for row in rows]
    header = json.dumps({"format": FORMAT, "turns": len(lines)}, sort_keys=True)
    return gzip.compress("\n".join((header, *lines, "")).encode(), compresslevel=6, mtime=0)


def decode(data: bytes, renamed: Mapping[str, str] | None = None) -> list[ColdTurn]:
    """Return the turns of a file. Raises ColdObjectDamaged.

    Args:
        data: the file.
        renamed: sessions that have another id since: {old: new}.
    """
    ids = renamed or {}
    try:
        header, *lines = gzip.decompress(data).decode().removesuffix("\n").split("\n")
        found = json.loads(header)
        if found["format"] != FORMAT or found["turns"] != len(lines):
            raise ValueError("another format, or turns are missing")
        return [
            ColdTurn(
                session_id=ids.get(turn["session_id"], turn["session_id"]),
                position=turn["position"],
                content=turn["content"],
            )
            for turn in map(json.loads, lines)
        ]
    except (ValueError, KeyError, TypeError, OSError, EOFError, zlib.error) as error:
        raise ColdObjectDamaged(f"an object of the cold archive cannot be read ({type(error).__name__})") from None
