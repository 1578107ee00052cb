"""Memories as lines of the memory block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any
from uuid import UUID

from afterturn import lives
from afterturn.context import excerpt, memory_block
from afterturn.context.memory_block import MemoryLine
from afterturn.excerpts import words
from afterturn.lives import Life, Times
from afterturn.memories import Evidence, Memory
from afterturn.threads.thread import Thread

#: Longer texts are cut off. If it is larger, one pasted document takes the place of everything else.
TEXT_LIMIT_CHARACTERS = 1_000
LABEL_DIGITS = 8
#: A text says nothing beyond another one that has this share of its words, or more.
_CONTAINED_SHARE = 0.85
#: What precedes the statements that contradict the one of a line.
_ALSO_SAID = " (but also said: "


@dataclass(frozen=True)
class Question:
    """What is asked, as lines need it."""

    text: str = ""

    @cached_property
    def language(self) -> str | None:
        """The language of the question (ISO 639-1); None where nothing tells it."""
        return words.find_language(self.text)

    @cached_property
    def keys(self) -> frozenset[str]:
        """What stands for its words."""
        return self.keys_of(self.text)

    def keys_of(self, text: str) -> frozenset[str]:
        """Return what stands for the words of a text, in the language of the question."""
        return words.find_keys(text, self.language)

    def says_no_more(self, text: str, than: str) -> bool:
        """Return whether a text has hardly a word that another one does not have."""
        return is_contained(self.keys_of(text), self.keys_of(than))

    def shorten(self, text: str, limit: int = excerpt.SHOWN_CHARACTERS) -> str:
        """Return the part of a long text that is nearest to the question, in about `limit` characters."""
        return excerpt.shorten(text, self.keys, self.language, limit)


def is_contained(keys: frozenset[str], others: frozenset[str]) -> bool:
    """Return whether nearly all of the first keys are among the others, with all of their numbers."""
    is_number_lost = any(words.is_number(key) for key in keys - others)
    return not is_number_lost and len(keys & others) >= _CONTAINED_SHARE * len(keys)


def make_label(memory_id: str) -> str:
    """Return the short form of an id: the end of a UUID, which is its most random part, or a digest of another id."""
    try:
        return UUID(memory_id).hex[-LABEL_DIGITS:]
    except ValueError:
        return hashlib.blake2b(memory_id.encode(), digest_size=LABEL_DIGITS // 2).hexdigest()


def fact_lines(
    rows: Iterable[Mapping[str, Any]], zone: tzinfo, before: Iterable[Mapping[str, Any]] = ()
) -> list[MemoryLine]:
    """Return the lines of facts, from the rows of the queries `pinned` or `profile`.

    Of two facts that contradict each other, the line of the first says what the other one says.

    Args:
        rows: the facts.
        zone: the timezone of the dates in the lines.
        before: the facts whose lines come before.
    """
    shown = {comparison_key(text) for row in before for text in row["contradicting_texts"]}
    found = []
    for row in rows:
        contradicting = row["contradicting_texts"]
        if not (contradicting and comparison_key(row["text"]) in shown):
            text = _with_contradictions(_text_of_fact(row, zone), contradicting)
            found.append(_line("fact", (str(row["fact_id"]),), row["said_at"], text, zone, row.get("first_said_at")))
        shown.update(map(comparison_key, contradicting))
    return found


def _text_of_fact(row: Mapping[str, Any], zone: tzinfo) -> str:
    """Return the text of a fact. A plan whose day has passed reads as planned."""
    text: str = row["text"]
    if row.get("life") == Life.PLAN:
        times = Times(**{name: row[name] for name in ("valid_from", "valid_to", "said_at", "first_said_at")})
        if lives.is_outcome_unknown(row["life"], times, row["clock"]):
            text = _as_past_plan(text, times.valid_from, times.valid_to, zone)
    return text


def summary_line(row: Mapping[str, Any], zone: tzinfo) -> MemoryLine:
    """Return the line of one statement of a session's summary, from a row of the query `summary`."""
    return _line("summary", tuple(row["episode_ids"]), row["ended_at"], row["text"], zone)


def provider_lines(name: str, texts: Iterable[str]) -> list[MemoryLine]:
    """Return the lines of a context provider; empty texts are left out."""
    return [memory_block.make_line(name, None, None, _truncate(text)) for text in texts if text.strip()]


def memory_line(memory: Memory, zone: tzinfo, question: Question) -> MemoryLine:
    """Return the line of a recalled memory: the speaker of a turn, the text, and what it superseded or contradicts.

    Of a long text it shows what is nearest to the question. A plan whose day has passed reads as planned.
    """
    text = _with_day(question.shorten(memory.text), memory, zone)
    if memory.is_outcome_unknown:
        text = _as_past_plan(text, memory.valid_from, memory.valid_to, zone)
    if memory.kind == "turn" and memory.evidence:
        text = f"{memory.evidence[0].speaker}: {text}"
    if memory.status != "current":
        text = f"formerly: {text}"
    if former := [old for old in memory.superseded_texts if not question.says_no_more(old, memory.text)]:
        text = f"{text} (formerly: {'; '.join(former)})"
    text = _with_contradictions(text, memory.contradicting_texts)
    first_said_at = memory.evidence[0].said_at if memory.kind == "fact" and memory.evidence else None
    line = _line(memory.kind, (memory.memory_id,), memory.said_at, text, zone, first_said_at)
    return _placed(line, memory.evidence)


def turn_line(said: Evidence, zone: tzinfo, question: Question, limit: int) -> MemoryLine:
    """Return the line of a turn that another one needs, in about `limit` characters."""
    text = f"{said.speaker}: {question.shorten(said.quote, limit)}"
    return _placed(_line("turn", (said.turn_id,), said.said_at, text, zone), (said,))


def _placed(line: MemoryLine, evidence: Sequence[Evidence]) -> MemoryLine:
    last = evidence[-1]
    place = (last.said_at.timestamp(), last.session_id, last.position or 0)
    return replace(line, said=place, turns=frozenset((item.session_id, item.turn_id) for item in evidence))


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
    return _drop_shown_contradictions(list(by_text.values()))


def _drop_shown_contradictions(memories: Sequence[Memory]) -> list[Memory]:
    """Return the memories, without those whose text the line of an earlier one shows as its contradiction."""
    shown: set[str] = set()
    kept = []
    for memory in memories:
        if memory.contradicting_texts and comparison_key(memory.text) in shown:
            continue
        shown.update(map(comparison_key, memory.contradicting_texts))
        kept.append(memory)
    return kept


def is_shown_as_contradiction(memory: Memory, shown: Iterable[MemoryLine]) -> bool:
    """Return whether the line of a fact that contradicts this one says what this one says."""
    keys = set(map(comparison_key, memory.contradicting_texts))
    text = memory_block.sanitize(memory.text)
    return any(text in line.content and comparison_key(line.content.split(_ALSO_SAID)[0]) in keys for line in shown)


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


def _as_past_plan(text: str, valid_from: datetime | None, valid_to: datetime | None, zone: tzinfo) -> str:
    return f"{text} ({lives.describe_past_plan(valid_from, valid_to, zone)})"


def _with_day(text: str, memory: Memory, zone: tzinfo) -> str:
    """Return the text of a fact with the day of an event, or since when something holds, if the text names no year."""
    if memory.valid_from is None or memory.is_outcome_unknown or _is_plan_since(memory):
        return text
    day = memory.valid_from.astimezone(zone).date()
    if str(day.year) in text:
        return text
    return f"{text} ({'' if memory.life in (Life.EVENT, Life.PLAN) else 'since '}{day.isoformat()})"


def _is_plan_since(memory: Memory) -> bool:
    """Return whether the time of a plan is not its day, but since when it exists, as some models say."""
    first_said_at = memory.evidence[0].said_at if memory.evidence else memory.said_at
    return memory.life == Life.PLAN and memory.valid_from is not None and memory.valid_from <= first_said_at


def _with_contradictions(text: str, contradicting: Sequence[str]) -> str:
    return f"{text}{_ALSO_SAID}{'; '.join(contradicting)})" if contradicting else text


def _line(
    kind: str,
    memory_ids: tuple[str, ...],
    said_at: datetime | None,
    text: str,
    zone: tzinfo,
    first_said_at: datetime | None = None,
) -> MemoryLine:
    label = make_label(memory_ids[0]) if memory_ids else None
    day = None if said_at is None else _day(said_at, zone)
    if day and first_said_at and (first := _day(first_said_at, zone)) < day:
        day = f"{day}, first {first}"
    return memory_block.make_line(kind, label, day, _truncate(text), memory_ids)


def _day(time: datetime, zone: tzinfo) -> str:
    return time.astimezone(zone).date().isoformat()


def _truncate(text: str) -> str:
    return text if len(text) <= TEXT_LIMIT_CHARACTERS else text[:TEXT_LIMIT_CHARACTERS] + "\u2026"
