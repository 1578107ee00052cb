"""What is remembered, as lines of the fenced memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from afterturn.context import fence
from afterturn.context.fence import Line
from afterturn.memories import Memory

#: Longer texts are cut off. Larger, and one pasted document takes the place of everything else.
TEXT_LIMIT_CHARACTERS = 1_000
LABEL_DIGITS = 8


def label(memory_id: str) -> str:
    """Return a short form of an id: the end of a UUID, where it is the most random; else a digest."""
    try:
        return UUID(memory_id).hex[-LABEL_DIGITS:]
    except ValueError:
        return hashlib.blake2b(memory_id.encode(), digest_size=LABEL_DIGITS // 2).hexdigest()


def of_fact(row: Mapping[str, Any], zone: tzinfo) -> Line:
    """Return the line of a fact, from a row of `pinned` or `profile`."""
    return _line("fact", (str(row["fact_id"]),), row["said_at"], row["text"], zone)


def of_summary(row: Mapping[str, Any], zone: tzinfo) -> Line:
    """Return the line of one statement of a session's summary, from a row of `summary`."""
    return _line("summary", tuple(row["episode_ids"]), row["ended_at"], row["text"], zone)


def of_outside(name: str, texts: Iterable[str]) -> list[Line]:
    """Return the lines of a context provider."""
    return [fence.line(name, None, None, _clipped(text)) for text in texts if text.strip()]


def of_memory(memory: Memory, zone: tzinfo) -> Line:
    """Return the line of a memory: who said it, what holds, and then what held before."""
    text = memory.text
    if memory.kind == "turn" and memory.evidence:
        text = f"{memory.evidence[0].speaker}: {text}"
    if memory.status != "current":
        text = f"formerly: {text}"
    if memory.superseded_texts:
        text = f"{text} (formerly: {'; '.join(memory.superseded_texts)})"
    return _line(memory.kind, (memory.memory_id,), memory.said_at, text, zone)


def relevant(found: Sequence[Memory]) -> list[Memory]:
    """Return what may be shown of the recalled memories: what is current first, nothing retracted, no text twice."""
    by_text: dict[str, Memory] = {}
    for memory in sorted(found, key=lambda memory: memory.status != "current"):
        if memory.status != "retracted":
            by_text.setdefault(same(memory.text), memory)
    return list(by_text.values())


def same(text: str) -> str:
    """Return what two texts have in common that say the same in the same words."""
    return fence.on_one_line(text).casefold().rstrip(".!\u2026 ")


def once(offered: Iterable[Line], shown: Iterable[Line] = ()) -> list[Line]:
    """Return the offered lines that say what neither the shown ones nor those before them say."""
    known = {same(line.said) for line in shown}
    kept = []
    for line in offered:
        if same(line.said) not in known:
            known.add(same(line.said))
            kept.append(line)
    return kept


def _line(kind: str, memory_ids: tuple[str, ...], said_at: datetime | None, text: str, zone: tzinfo) -> Line:
    short = label(memory_ids[0]) if memory_ids else None
    day = None if said_at is None else said_at.astimezone(zone).date().isoformat()
    return fence.line(kind, short, day, _clipped(text), memory_ids)


def _clipped(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT_CHARACTERS else text[:TEXT_LIMIT_CHARACTERS] + "\u2026"
