"""HaluMem: users whose sessions are labelled with memory points, some of which are updates of earlier ones.

A file holds one user per line: `sessions` with `dialogue` (`role`, `content`, `timestamp`) and `memory_points`
(`memory_content`, `is_update` with `original_memories`, `memory_source`, `timestamp`). Points of the source
`interference` are distractors, which nobody said: they are no gold.

No point names its turn: it is taken to be said by the user's turn of its session that shares most words with it, the
first of equals. Most old values of updates are no points of earlier sessions. Those are said by the user in a session
of their own on the day before the first, so that each update has an old value to replace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.data.conversation import (
    Clock,
    Conversation,
    Gold,
    NotTheData,
    SaidTurn,
    Session,
    Update,
    files,
    normalised,
)

OPENING = "opening"

#: The prefix of the text of an old value: when it was recorded, and its kind of memory.
_PREFIX = re.compile(r"^(?:\s*\[[^\]]*\])+\s*")
#: The conversations take place between 2025 and 2035. A turn of the future is refused: they are moved by whole weeks.
_MOVED = timedelta(weeks=1_044)
_NAME = re.compile(r"\bName:\s*([^;\n]+)")
_WORD = re.compile(r"\w+")


def load(data: Path) -> list[Conversation]:
    """Return the users of a file, or of all `*.jsonl` of a folder. Raises NotTheData."""
    conversations = []
    for path in files(data, "*.jsonl"):
        try:
            lines = [line for line in path.read_text("utf-8").splitlines() if line.strip()]
            conversations += [_user(json.loads(line)) for line in lines]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise NotTheData(f"{path} is no HaluMem file: {type(error).__name__}: {error}") from error
    return conversations


def _user(held: Mapping[str, Any]) -> Conversation:
    clock = Clock()
    first = _moment(held["sessions"][0]["dialogue"][0]["timestamp"])
    updates = tuple(_updates(held["sessions"]))
    opening, gold = _opening(_without_point(held["sessions"], updates), first - timedelta(days=1), clock)
    sessions = [opening] if opening.turns else []
    for number, row in enumerate(held["sessions"], start=1):
        session = _session(f"session-{number}", row["dialogue"], clock)
        sessions.append(session)
        gold += [_gold(point, session) for point in _points(row)]
    name = _NAME.search(str(held.get("persona_info") or ""))
    return Conversation(
        user_id=str(held["uuid"]),
        sessions=tuple(sessions),
        gold=tuple(gold),
        updates=updates,
        user_name=name[1].strip() if name else None,
    )


def _points(session: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return (point for point in session["memory_points"] if point.get("memory_source") != "interference")


def _updates(sessions: Sequence[Mapping[str, Any]]) -> Iterator[Update]:
    """Yield each pair once. A point whose old text equals its text is a repetition, not an update."""
    seen = set()
    for point in (point for session in sessions for point in _points(session)):
        if str(point.get("is_update")) != "True":
            continue
        for original in point["original_memories"]:
            update = Update(old=_text(original), new=point_text(point))
            pair = normalised(update.old), normalised(update.new)
            if all(pair) and pair[0] != pair[1] and pair not in seen:
                seen.add(pair)
                yield update


def _without_point(sessions: Sequence[Mapping[str, Any]], updates: Sequence[Update]) -> list[str]:
    """Return the old values that are not points of an earlier session."""
    first: dict[str, int] = {}
    for number, session in enumerate(sessions):
        for point in _points(session):
            first.setdefault(normalised(point_text(point)), number)
    missing = {
        normalised(update.old): update.old
        for update in updates
        if first.get(normalised(update.old), len(sessions)) >= first[normalised(update.new)]
    }
    return list(missing.values())


def _opening(texts: Sequence[str], begins: datetime, clock: Clock) -> tuple[Session, list[Gold]]:
    turns = tuple(
        SaidTurn(turn_id=f"{OPENING}:{number}", role="user", content=text, at=clock.next(begins))
        for number, text in enumerate(texts, start=1)
    )
    gold = [Gold(text=turn.content, turn_ids=(turn.turn_id,), valid_from=_day(turn)) for turn in turns]
    return Session(session_id=OPENING, turns=turns, is_made_up=True), gold


def _session(session_id: str, dialogue: Sequence[Mapping[str, Any]], clock: Clock) -> Session:
    turns = tuple(
        SaidTurn(
            turn_id=f"{session_id}:{number}",
            role=str(row["role"]),
            content=str(row["content"]),
            at=clock.next(_moment(row["timestamp"])),
        )
        for number, row in enumerate(dialogue, start=1)
    )
    return Session(session_id=session_id, turns=turns)


def _gold(point: Mapping[str, Any], session: Session) -> Gold:
    text = point_text(point)
    turn = most_alike(text, [turn for turn in session.turns if turn.role == "user"] or session.turns)
    return Gold(text=text, turn_ids=(turn.turn_id,), valid_from=_day(turn))


def most_alike(text: str, turns: Sequence[SaidTurn]) -> SaidTurn:
    """Return the first turn that shares most words with a text."""
    words = _words(text)
    return max(turns, key=lambda turn: len(words & _words(turn.content)))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(normalised(text)))


def point_text(point: Mapping[str, Any]) -> str:
    """Return the text of a memory point without its prefix."""
    return _text(point["memory_content"])


def _text(given: str) -> str:
    return " ".join(_PREFIX.sub("", given).split())


def _day(turn: SaidTurn) -> str:
    return turn.at.date().isoformat()


def _moment(text: str) -> datetime:
    """Return the moment of "Jan 15, 2029, 15:12:20", moved into the past; the data name no timezone."""
    return datetime.strptime(text, "%b %d, %Y, %H:%M:%S").replace(tzinfo=UTC) - _MOVED
