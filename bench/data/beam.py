"""BEAM: long chats of one user with an assistant whose answers are long, and questions with the turns that answer them.

A file holds one chat: `turns` (`id`, `role`, `content`, `date` such as "March-15-2024", `session`) and `questions`
(`kind`, `question`, `answer`, `ids` of the turns that answer it; empty where the chat does not).
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.data.conversation import Clock, Conversation, NotTheData, SaidTurn, Session, files
from bench.data.questions import Labelled, LabelledQuestion

#: The data name days only: on each day the turns are said from nine o'clock on, one a minute.
_FIRST_HOUR = 9


def load(data: Path) -> list[Labelled]:
    """Return the chats of a file, or of all `*.json` of a folder, each with its questions. Raises NotTheData."""
    found = []
    for path in files(data, "*.json"):
        try:
            found.append(_labelled(path.stem, json.loads(path.read_text("utf-8"))))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotTheData(f"{path} is no file of BEAM: {type(error).__name__}: {error}") from error
    return found


def _labelled(name: str, entry: Mapping[str, Any]) -> Labelled:
    clock = Clock()
    sessions = tuple(
        Session(
            session_id=f"session-{session}",
            turns=tuple(_turn(row, number, clock) for number, row in enumerate(rows)),
        )
        for session, rows in itertools.groupby(entry["turns"], key=lambda row: row["session"])
    )
    known = {str(row["id"]) for row in entry["turns"]}
    questions = tuple(
        LabelledQuestion(
            text=row["question"],
            category=row["kind"],
            evidence=frozenset(map(str, row["ids"])) & known,
            answer=str(row["answer"]),
        )
        for row in entry["questions"]
    )
    return Labelled(Conversation(user_id=f"chat-{name}", sessions=sessions, gold=()), questions)


def _turn(row: Mapping[str, Any], number: int, clock: Clock) -> SaidTurn:
    day = datetime.strptime(row["date"], "%B-%d-%Y").replace(tzinfo=UTC, hour=_FIRST_HOUR)
    said_at = clock.next(day + timedelta(minutes=number))
    return SaidTurn(turn_id=str(row["id"]), role=row["role"], content=row["content"], at=said_at)
