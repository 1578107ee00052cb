"""The memories that the assistant was shown: what it merely repeats of them is not learnt again."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.turns import Turn

_SQL = queries.load("shown_memories")

_WORD = re.compile(r"[^\W_]+")
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        a an the of to in on at for with from by as is are was were be been am has have had do does did and or that
        this it its their his her your my our they he she you i we user
        """
    )
)
#: A candidate repeats a memory when it adds at most this share of new words to it, and no number and no negation.
_NEW_SHARE = 0.2
_NEGATIONS = frozenset(
    _WORD.findall("not no never none nothing without cannot longer anymore former formerly stopped quit")
)


def read(connection: Connection, batch: Batch, turns: Sequence[Turn]) -> Mapping[str, str]:
    """Return the texts of the memories that these turns' assistant was shown, by the id under which it was told.

    Ids come from callers: whatever is not this user's own is not found.
    """
    shown = sorted({memory_id for turn in turns if turn.role == "assistant" for memory_id in turn.memories_shown})
    if not shown:
        return {}
    arguments = batch.key | {"ids": shown, "uuids": [read for memory_id in shown if (read := _uuid(memory_id))]}
    return {row["memory_id"]: row["text"] for row in connection.execute(_SQL["texts"], arguments).fetchall()}


def repeats(text: str, memory: str, names: Collection[str] = ()) -> bool:
    """Whether `text` says no more than `memory` does, in which those with these names may be "I"."""
    said, known = _telling(text) - _telling(" ".join(names)), _telling(memory)
    new = said - known
    if any(word.isdigit() for word in new) or (said ^ known) & _NEGATIONS:
        return False
    return bool(said) and len(new) <= _NEW_SHARE * len(said)


def _uuid(memory_id: str) -> UUID | None:
    try:
        return UUID(memory_id)
    except ValueError:
        return None


def _telling(text: str) -> set[str]:
    words = _WORD.findall(text.replace("n't", " not").replace("n\u2019t", " not").casefold())
    return {word if len(word) < 5 else word[:5].rstrip("s") for word in words if word not in _FUNCTION_WORDS}
