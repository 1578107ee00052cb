"""Memories as lines of the memory block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from afterturn.context import memory_block
from afterturn.context.memory_block import MemoryLine
from afterturn.memories import Memory
from afterturn.threads.thread import Thread

#: Longer texts are cut off. If it is larger, one pasted document takes the place of everything else.
TEXT_LIMIT_CHARACTERS = 1_000
LABEL_DIGITS = 8


def make_label(memory_id: str) -> str:
    """Return the short form of an id: the end of a UUID, which is its most random part, or a digest of another id."""
    try:
        return UUID(memory_id).hex[-LABEL_DIGITS:]
    except ValueError:
        return hashlib.blake2b(memory_id.encode(), digest_size=LABEL_DIGITS // 2).hexdigest()


def fact_line(row: Mapping[str, Any], zone: tzinfo) -> MemoryLine:
    """Return the line of a fact, from a row of the queries `pinned` or `profile`."""
    return _line("fact", (str(row["fact_id"]),), row["said_at"], row["text"], zone)


def summary_line(row: Mapping[str, Any], zone: tzinfo) -> MemoryLine:
    """Return the line of one statement of a session's summary, from a row of the query `summary`."""
    return _line("summary", tuple(row["episode_ids"]), row["ended_at"], row["text"], zone)


def provider_lines(name: str, texts: Iterable[str]) -> list[MemoryLine]:
    """Return the lines of a context provider; empty texts are left out."""
    return [memory_block.make_line(name, None, None, _truncate(text)) for text in texts if text.strip()]


def memory_line(memory: Memory, zone: tzinfo) -> MemoryLine:
    """Return the line of a recalled memory: the speaker of a turn, the text, and the texts that it superseded."""
    text = memory.text
    if memory.kind == "turn" and memory.evidence:
        text = f"{memory.evidence[0].speaker}: {text}"
    if memory.status != "current":
        text = f"formerly: {text}"
    if memory.superseded_texts:
        text = f"{text} (formerly: {'; '.join(memory.superseded_texts)})"
    return _line(memory.kind, (memory.memory_id,), memory.said_at, text, zone)


def thread_line(thread: Thread, zone: tzinfo) -> MemoryLine:
    """Return the line of a thread. It stands for all facts that it rests on."""
    line = _line("thread", (thread.thread_id, *thread.fact_ids), thread.last_said_at, thread.text, zone)
    return replace(line, covers=frozenset(thread.fact_ids))


def select_relevant(memories: Sequence[Memory]) -> list[Memory]:
    """Return the recalled memories to show: current ones first, without retracted ones, each text once."""
    by_text: dict[str, Memory] = {}
    for memory in sorted(memories, key=lambda memory: memory.status != "current"):
        if memory.status != "retracted":
            by_text.setdefault(comparison_key(memory.text), memory)
    return list(by_text.values())


def comparison_key(text: str) -> str:
    """Return the form in which texts are compared: without case, final punctuation and extra spaces."""
    return memory_block.sanitize(text).casefold().rstrip(".!\u2026 ")


def drop_repeated(lines: Iterable[MemoryLine], shown: Iterable[MemoryLine] = ()) -> list[MemoryLine]:
    """Return the lines without those that repeat a line in `shown` or an earlier one of `lines`."""
    keys = {comparison_key(line.content) for line in shown}
    distinct = []
    for line in lines:
        key = comparison_key(line.content)
        if key not in keys:
            keys.add(key)
            distinct.append(line)
    return distinct


def _line(kind: str, memory_ids: tuple[str, ...], said_at: datetime | None, text: str, zone: tzinfo) -> MemoryLine:
    label = make_label(memory_ids[0]) if memory_ids else None
    day = None if said_at is None else said_at.astimezone(zone).date().isoformat()
    return memory_block.make_line(kind, label, day, _truncate(text), memory_ids)


def _truncate(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT_CHARACTERS else text[:TEXT_LIMIT_CHARACTERS] + "\u2026"
