"""LoCoMo: long conversations between two people, with questions and the turns that answer them.

The data set is public (github.com/snap-research/LoCoMo) and not part of this project. A file is a list of
conversations; `session_N` holds turns (`speaker`, `dia_id`, `text`, perhaps `blip_caption`), `session_N_date_time` when
it was held, and `qa` the questions with their `evidence`, ids of turns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from afterturn.errors import InvalidInput
from afterturn.turns import Turn
from api_shim.cli.demo.recorded import RecordedSession

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
#: Those that have an answer in the conversation.
ANSWERABLE = (1, 2, 3, 4)
#: Only sessions have a time in the data; this keeps their turns in order.
SECONDS_PER_TURN = 20

_SESSION = re.compile(r"session_(\d+)")
#: Some evidence names two turns in one string, or has a colon or a zero too many.
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question, and the turns that answer it."""

    text: str
    answer: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One conversation: its sessions in order, and its questions, those without evidence left out."""

    conversation_id: str
    sessions: tuple[RecordedSession, ...]
    questions: tuple[Question, ...]


def load(path: Path, conversation_id: str | None = None) -> Conversation:
    """Return the named conversation of a LoCoMo file, or the first one.

    Raises InvalidInput when the file is no LoCoMo file, or holds no such conversation.
    """
    try:
        conversations = {entry["sample_id"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))}
        chosen = next(iter(conversations)) if conversation_id is None else conversation_id
        if chosen not in conversations:
            raise InvalidInput(f"{path} holds no conversation {chosen}, only {', '.join(conversations)}")
        return _conversation(chosen, conversations[chosen])
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{path} is no LoCoMo file: {type(error).__name__}: {error}") from error


def evidence_ids(given: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    """Return the turns that a question's evidence names; what names no turn of the conversation is left out.

    >>> sorted(evidence_ids(["D8:6; D9:17", "D:1:02", "D77:1"], frozenset({"D8:6", "D9:17", "D1:2"})))
    ['D1:2', 'D8:6', 'D9:17']
    """
    named = {f"D{int(session)}:{int(turn)}" for text in given for session, turn in _TURN_ID.findall(text)}
    return frozenset(named & known)


def _conversation(conversation_id: str, entry: dict[str, Any]) -> Conversation:
    sessions = tuple(_sessions(conversation_id, entry["conversation"]))
    known = frozenset(turn.turn_id for session in sessions for turn in session.turns)
    questions = (_question(row, known) for row in entry["qa"])
    return Conversation(
        conversation_id=conversation_id,
        sessions=sessions,
        questions=tuple(question for question in questions if question.evidence),
    )


def _sessions(user_id: str, held: dict[str, Any]) -> Iterator[RecordedSession]:
    numbers = sorted(int(match[1]) for key in held if (match := _SESSION.fullmatch(key)))
    for number in numbers:
        session_id = f"session_{number}"
        began = _moment(held[f"{session_id}_date_time"])
        turns = tuple(
            _turn(row, began + timedelta(seconds=SECONDS_PER_TURN * index))
            for index, row in enumerate(held[session_id])
        )
        if turns:
            yield RecordedSession(user_id=user_id, session_id=session_id, turns=turns)


def _turn(row: dict[str, Any], said_at: datetime) -> Turn:
    caption = row.get("blip_caption")
    content = f"{row['text']} [image: {caption}]" if caption else row["text"]
    # Both speakers are people.
    return Turn(turn_id=row["dia_id"], role="user", name=row["speaker"], content=content, occurred_at=said_at)


def _moment(text: str) -> datetime:
    """Return the moment of "1:56 pm on 8 May, 2023"; the data name no timezone."""
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _question(row: dict[str, Any], known: frozenset[str]) -> Question:
    return Question(
        text=row["question"],
        answer=str(row.get("answer", "")),
        category=row["category"],
        evidence=evidence_ids(row["evidence"], known),
    )
