"""The summary of a session: statements, each with the episodes that it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryStatement:
    """One line of a summary."""

    text: str
    #: The episodes that it is made from; the same ids as in recalled memories.
    episode_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The summary of a session: few statements about older episodes, more detail about the newest ones."""

    #: Oldest first.
    statements: tuple[SummaryStatement, ...]

    @property
    def text(self) -> str:
        """The statements, one per line."""
        return "\n".join(statement.text for statement in self.statements)


def statements_to_json(statements: Sequence[SummaryStatement]) -> list[dict[str, Any]]:
    """Return statements in the form of the column `statements`."""
    return [{"text": statement.text, "episode_ids": list(statement.episode_ids)} for statement in statements]


def statements_from_json(items: Sequence[Mapping[str, Any]]) -> tuple[SummaryStatement, ...]:
    """Return the statements in a value of the column `statements`."""
    return tuple(SummaryStatement(text=item["text"], episode_ids=tuple(item["episode_ids"])) for item in items)
