"""A summary as it is read: statements, each with the episodes that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryStatement:
    """One line of a summary."""

    text: str
    #: The episodes that it rests on, by the ids that recall names them with.
    episode_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The digest of a session: what is older in few statements, what is newest in most detail."""

    #: Oldest first.
    statements: tuple[SummaryStatement, ...]

    @property
    def text(self) -> str:
        """Every statement on a line of its own."""
        return "\n".join(statement.text for statement in self.statements)


def to_json(statements: Sequence[SummaryStatement]) -> list[dict[str, Any]]:
    """Return statements as Postgres keeps them."""
    return [{"text": statement.text, "episode_ids": list(statement.episode_ids)} for statement in statements]


def from_json(rows: Sequence[Mapping[str, Any]]) -> tuple[SummaryStatement, ...]:
    """Return the statements that Postgres keeps."""
    return tuple(SummaryStatement(text=row["text"], episode_ids=tuple(row["episode_ids"])) for row in rows)
