"""The memories that the assistant was shown. What it only repeats from them must not become a new fact."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.cold import reading
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
#: A candidate repeats a memory if at most this share of its words is new, and none of them is a number or a negation.
_MAX_NEW_SHARE = 0.2
_NEGATIONS = frozenset(
    _WORD.findall("not no never none nothing without cannot longer anymore former formerly stopped quit")
)


def read_shown_memories(
    connection: Connection, batch: Batch, turns: Sequence[Turn], *, cold_url: str | None = None
) -> Mapping[str, str]:
    """Return the texts of the memories that the assistant of these turns was shown, by memory id.

    The ids come from callers. An id that does not belong to this user is ignored. A turn whose text is in the cold
    archive is read from there (AFTERTURN_COLD_URL, `cold_url`); it is left out while the archive is away.
    """
    shown = sorted({memory_id for turn in turns if turn.role == "assistant" for memory_id in turn.memories_shown})
    if not shown:
        return {}
    uuids = [uuid for memory_id in shown if (uuid := _parse_uuid(memory_id))]
    arguments = batch.key | {"ids": shown, "uuids": uuids}
    rows = connection.execute(_SQL["texts"], arguments).fetchall()
    found = {row["memory_id"]: row["text"] for row in rows}
    cold = {(row["session_id"], row["position"]): row["memory_id"] for row in rows if row["is_cold"]}
    if cold:
        texts = reading.read_with(connection, cold_url, batch.session.user, cold)
        found |= {cold[place]: text for place, text in texts.contents.items()}
    return found


def repeats_memory(text: str, memory: str, names: Collection[str] = ()) -> bool:
    """Return whether `text` states nothing that `memory` does not state.

    Args:
        text: of a candidate.
        memory: the text of a memory.
        names: the names of the people in `text`, who may be "I" in `memory`.
    """
    stated, known = _content_words(text) - _content_words(" ".join(names)), _content_words(memory)
    new = stated - known
    if any(word.isdigit() for word in new) or (stated ^ known) & _NEGATIONS:
        return False
    return bool(stated) and len(new) <= _MAX_NEW_SHARE * len(stated)


def _parse_uuid(memory_id: str) -> UUID | None:
    try:
        return UUID(memory_id)
    except ValueError:
        return None


def _content_words(text: str) -> set[str]:
    words = _WORD.findall(text.replace("n't", " not").replace("n\u2019t", " not").casefold())
    return {word if len(word) < 5 else word[:5].rstrip("s") for word in words if word not in _FUNCTION_WORDS}
