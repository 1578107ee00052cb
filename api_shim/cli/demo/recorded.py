"""Recorded sessions to replay, and the conversation in this package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from typing import Any

from afterturn.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One session of one user, with its turns in the order in which they were said."""

    user_id: str
    session_id: str
    turns: tuple[Turn, ...]

    @property
    def people(self) -> tuple[str, ...]:
        """The names of the speakers with the role user."""
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns if turn.role == "user"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedQuestion:
    """A question that is asked after the replay, and the user whose memory it searches."""

    user_id: str
    text: str


def shipped_sessions() -> list[RecordedSession]:
    """Return the sessions of conversation.jsonl, in order."""
    rows = _rows("conversation.jsonl")
    return [
        RecordedSession(user_id=user_id, session_id=session_id, turns=tuple(_turn(row) for row in said))
        for (user_id, session_id), said in groupby(rows, key=lambda row: (row["user"], row["session"]))
    ]


def shipped_questions() -> list[RecordedQuestion]:
    """Return the questions of questions.jsonl, in order."""
    return [RecordedQuestion(user_id=row["user"], text=row["question"]) for row in _rows("questions.jsonl")]


def count_turns(sessions: Sequence[RecordedSession]) -> int:
    return sum(len(session.turns) for session in sessions)


def _rows(name: str) -> Iterator[dict[str, Any]]:
    text = files("api_shim.cli.demo").joinpath(name).read_text(encoding="utf-8")
    return (json.loads(line) for line in text.splitlines())


def _turn(row: dict[str, Any]) -> Turn:
    return Turn(
        turn_id=row["turn_id"],
        role=row["role"],
        name=row["name"],
        content=row["content"],
        occurred_at=datetime.fromisoformat(row["occurred_at"]),
    )
