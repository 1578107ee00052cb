"""HaluMem's questions, where the memory points that answer them are said by a turn."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.data import halumem
from bench.data.conversation import Conversation, NotTheData, files, normalised
from bench.data.questions import Labelled, LabelledQuestion


def load(data: Path) -> list[Labelled]:
    """Return the users of a file, or of all `*.jsonl` of a folder, with their questions. Raises NotTheData.

    A question is asked at the end of its session. The turns of the points that answer it are its evidence; a question
    without such a point is left out.
    """
    found = []
    for path in files(data, "*.jsonl"):
        conversations = halumem.load(path)
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        try:
            found += [
                Labelled(conversation, tuple(_questions(conversation, row["sessions"])))
                for conversation, row in zip(conversations, rows, strict=True)
            ]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotTheData(f"{path} is no HaluMem file: {type(error).__name__}: {error}") from error
    return found


def _questions(conversation: Conversation, rows: Sequence[Mapping[str, Any]]) -> Iterator[LabelledQuestion]:
    sessions = [session for session in conversation.sessions if not session.is_made_up]
    made_up = conversation.turns.keys() - {turn.turn_id for session in sessions for turn in session.turns}
    turns_of: dict[str, set[str]] = {}
    for gold in conversation.gold:
        turns_of.setdefault(normalised(gold.text), set()).update(gold.turn_ids)
    for session, row in zip(sessions, rows, strict=True):
        for asked in row.get("questions") or ():
            points = [turns_of.get(normalised(halumem.point_text(point)), set()) for point in asked["evidence"]]
            # A point that is said in the data is not looked for in the session that is made up of old values.
            evidence = frozenset(turn_id for turns in points for turn_id in (turns - made_up or turns))
            if evidence:
                yield LabelledQuestion(
                    text=asked["question"],
                    category=asked["question_type"],
                    evidence=evidence,
                    at=session.turns[-1].at + timedelta(seconds=1),
                    answer=str(asked["answer"]),
                )
