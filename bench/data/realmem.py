"""RealMem: personas who work on projects with an assistant; each session is labelled with what is learnt from it.

A file holds one persona: `dialogues` with `dialogue_turns` (`speaker`, `content`), the day (`current_time`: a text such
as "2025-12-15 (Monday)", or an object that contains one) and `extracted_memory` (`content`, the words of its turn as
`source_content_snapshot`, and `source_turn`, counted from 1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.data.conversation import Clock, Conversation, Gold, NotTheData, SaidTurn, Session, files, normalised
from bench.data.halumem import most_alike

#: Only days have a date in the data; this keeps their turns in order.
_SECONDS_PER_TURN = 20
_DAY_BEGINS = timedelta(hours=8)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROLES = {"user": "user", "assistant": "assistant"}


def load(data: Path) -> list[Conversation]:
    """Return the persona of a file, or those of all `*.json` of a folder. Raises NotTheData."""
    conversations = []
    for path in files(data, "*.json"):
        try:
            conversations.append(_persona(path.stem, json.loads(path.read_text("utf-8"))))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise NotTheData(f"{path} is no RealMem file: {type(error).__name__}: {error}") from error
    return conversations


def _persona(name: str, held: Mapping[str, Any]) -> Conversation:
    clock = Clock()
    sessions: list[Session] = []
    gold: list[Gold] = []
    for number, row in enumerate(held["dialogues"], start=1):
        session = _session(f"{number}-{row['session_uuid']}", row, clock)
        if session.turns:
            sessions.append(session)
            gold += [_gold(memory, session) for memory in row["extracted_memory"]]
    person = str(held.get("_metadata", {}).get("person_name") or "").replace("_", " ")
    return Conversation(user_id=name, sessions=tuple(sessions), gold=tuple(gold), user_name=person or None)


def _session(session_id: str, row: Mapping[str, Any], clock: Clock) -> Session:
    day = _day(row["current_time"])
    turns = tuple(
        SaidTurn(
            turn_id=f"{session_id}:{number}",
            role=_ROLES[turn["speaker"].lower()],
            content=turn["content"],
            at=clock.next(day + _DAY_BEGINS + timedelta(seconds=number * _SECONDS_PER_TURN)),
        )
        for number, turn in enumerate(row["dialogue_turns"], start=1)
        if turn["content"].strip()
    )
    return Session(session_id=session_id, turns=turns)


def _day(given: object) -> datetime:
    """Return the first day that is named in a text, or in an object at any depth. Raises ValueError without one."""
    match = _DAY.search(given if isinstance(given, str) else json.dumps(given))
    if match is None:
        raise ValueError(f"current_time names no day: {given!r}")
    return datetime.strptime(match[0], "%Y-%m-%d").replace(tzinfo=UTC)


def _gold(memory: Mapping[str, Any], session: Session) -> Gold:
    turn = _source(normalised(memory["source_content_snapshot"] or ""), memory["source_turn"], session.turns)
    return Gold(text=" ".join(memory["content"].split()), turn_ids=(turn.turn_id,))


def _source(snapshot: str, number: int, turns: Sequence[SaidTurn]) -> SaidTurn:
    """Return the turn with this text nearest to the number; without one, the turn with the most similar text."""
    places = [place for place, turn in enumerate(turns, start=1) if snapshot and snapshot in normalised(turn.content)]
    if places:
        return turns[min(places, key=lambda place: abs(place - number)) - 1]
    return most_alike(snapshot, turns)
