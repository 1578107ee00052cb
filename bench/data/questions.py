"""Labelled questions: questions with the turns that answer them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bench.data import realmem as realmem_data
from bench.data.conversation import Conversation, NotTheData, files


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledQuestion:
    """One question."""

    text: str
    category: str
    #: The turns that answer it.
    evidence: frozenset[str]
    #: The time of the question, if only earlier turns may be recalled.
    at: datetime | None = None
    #: The answer as text, if the data have one.
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A user's conversations, and the questions about them."""

    conversation: Conversation
    questions: tuple[LabelledQuestion, ...]


def realmem(data: Path) -> list[Labelled]:
    """Return the personas with their queries, which are turns of theirs.

    What answers one stands on the assistant's turn behind it: memories, each by its session and its words. Each is
    asked at its own time: what was said later, and itself, is not recalled. Raises NotTheData.
    """
    found = []
    for path in files(data, "*.json"):
        [conversation] = realmem_data.load(path)
        try:
            rows = json.loads(path.read_text("utf-8"))["dialogues"]
            found.append(Labelled(conversation, tuple(_queries(conversation, rows))))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise NotTheData(f"{path} is no RealMem file: {type(error).__name__}: {error}") from error
    return found


def _queries(conversation: Conversation, rows: list[dict[str, object]]) -> list[LabelledQuestion]:
    sources = {(_uuid(gold.turn_ids[0]), gold.text): gold.turn_ids for gold in conversation.gold}
    said = conversation.turns
    found = []
    for number, row in enumerate(rows, start=1):
        turns = row["dialogue_turns"]
        assert isinstance(turns, list)
        for place, (turn, reply) in enumerate(itertools.pairwise(turns), start=1):
            used = (reply.get("memory_used") or ()) if turn.get("is_query") else ()
            keys = [(memory["session_uuid"], " ".join(memory["content"].split())) for memory in used]
            asking = said.get(f"{number}-{row['session_uuid']}:{place}")
            evidence = frozenset(turn_id for key in keys for turn_id in sources.get(key, ()))
            if evidence and asking is not None:
                found.append(LabelledQuestion(text=asking.content, category="query", evidence=evidence, at=asking.at))
    return found


def _uuid(turn_id: str) -> str:
    """Return the part of a turn's id that is the session's id in the data."""
    return turn_id.split("-", 1)[1].rsplit(":", 1)[0]
