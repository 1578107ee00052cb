"""LongMemEval: questions, each with the turns that answer it; all these turns together are one user's memory.

A file is a list of `question`s with a `question_type` and `evidence`: turns with `date`, `role` and `content`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.data.conversation import Conversation, NotTheData, SaidTurn, Session
from bench.data.questions import Labelled, LabelledQuestion


def load(data: Path) -> list[Labelled]:
    """Return the pool of a file as one user, a session per turn. Raises NotTheData."""
    try:
        rows = json.loads(data.read_text("utf-8"))
        turns: dict[tuple[str, str, str], SaidTurn] = {}
        for row in sorted((row for question in rows for row in question["evidence"]), key=lambda row: row["date"]):
            turns.setdefault(_key(row), _turn(f"turn-{len(turns) + 1}", row))
        questions = tuple(
            LabelledQuestion(
                text=question["question"],
                category=question["question_type"],
                evidence=frozenset(turns[_key(row)].turn_id for row in question["evidence"]),
            )
            for question in rows
            if question["evidence"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotTheData(f"{data} is no file of LongMemEval evidence: {type(error).__name__}: {error}") from error
    sessions = tuple(Session(session_id=f"session-{turn.turn_id}", turns=(turn,)) for turn in turns.values())
    return [Labelled(Conversation(user_id="pool", sessions=sessions, gold=()), questions)]


def _key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["date"], row["role"], row["content"]


def _turn(turn_id: str, row: Mapping[str, Any]) -> SaidTurn:
    # "2023/01/18 (Wed) 04:42"; the data name no timezone.
    day, _, time = row["date"].split()
    at = datetime.strptime(f"{day} {time}", "%Y/%m/%d %H:%M").replace(tzinfo=UTC)
    return SaidTurn(turn_id=turn_id, role=row["role"], content=row["content"], at=at)
