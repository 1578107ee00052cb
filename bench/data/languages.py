"""Languages: one short memory in each of several languages, with the same turns and questions by id.

A file holds one language: `sessions` of `turns` (`id`, `role`, `name`, `content`, `at`), `questions` (`kind`,
`question`, `evidence`, `answer`), and in `small_talk` the ids of the turns that contain nothing to remember.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.data.conversation import Clock, Conversation, NotTheData, SaidTurn, Session, files
from bench.data.questions import Labelled, LabelledQuestion

#: In the order of the table: the question repeats a word of the answer; it has another form of it, or a synonym; it
#: shares only the meaning; it asks for a value that has changed.
KINDS = ("word", "inflected", "meaning", "changed")


def load(data: Path) -> list[Labelled]:
    """Return the memories of a file, or of all `*.json` of a folder, each with its questions. Raises NotTheData."""
    found = []
    for path in files(data, "*.json"):
        try:
            found.append(_labelled(json.loads(path.read_text("utf-8"))))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotTheData(f"{path} is no file of languages: {type(error).__name__}: {error}") from error
    return found


def category(language: str, kind: str) -> str:
    """Return the category of a question: `en/word`."""
    return f"{language}/{kind}"


def _labelled(entry: Mapping[str, Any]) -> Labelled:
    clock = Clock()
    sessions = tuple(
        Session(
            session_id=session["session_id"],
            turns=tuple(_turn(row, clock) for row in session["turns"]),
        )
        for session in entry["sessions"]
    )
    language = entry["language"]
    questions = tuple(
        LabelledQuestion(
            text=row["question"],
            category=category(language, row["kind"]),
            evidence=frozenset(row["evidence"]),
            answer=row["answer"],
        )
        for row in entry["questions"]
    )
    conversation = Conversation(
        user_id=language,
        sessions=sessions,
        gold=(),
        user_name=entry["user"]["name"],
        small_talk=frozenset(entry["small_talk"]),
    )
    return Labelled(conversation, questions)


def _turn(row: Mapping[str, Any], clock: Clock) -> SaidTurn:
    return SaidTurn(
        turn_id=row["id"],
        role=row["role"],
        name=row["name"],
        content=row["content"],
        at=clock.next(datetime.fromisoformat(row["at"])),
    )
