"""LoCoMo: long conversations between two people, with facts and questions that name the turns they rest on.

The data set is public (github.com/snap-research/LoCoMo) and not part of this project. A file is a list of
conversations; `session_N` holds turns (`speaker`, `dia_id`, `text`, perhaps `blip_caption`), `session_N_date_time` when
it was held, `observation` facts, each with the `dia_id` of its turn or turns, and `qa` questions with their `evidence`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from bench.data.conversation import Clock, Conversation, Gold, NotTheData, SaidTurn, Session, files
from bench.data.questions import Labelled, LabelledQuestion

#: The categories of questions with an answer in the conversation. The fifth, adversarial, has none.
CATEGORIES = {"1": "multi-hop", "2": "temporal", "3": "open-domain", "4": "single-hop"}
#: Only sessions have a time in the data; this keeps their turns in order.
SECONDS_PER_TURN = 20

_SESSION = re.compile(r"session_(\d+)")
#: Some evidence names two turns in one string, or has a colon or a zero too many.
_TURN_ID = re.compile(r"D:?(\d+):(\d+)")


def load(data: Path) -> list[Conversation]:
    """Return the conversations of a file, or of all `*.json` of a folder. Raises NotTheData."""
    return [labelled.conversation for labelled in load_questions(data)]


def load_questions(data: Path) -> list[Labelled]:
    """Return the conversations with the questions that a turn answers (categories 1 to 4). Raises NotTheData."""
    found = []
    for path in files(data, "*.json"):
        try:
            found += [_labelled(entry) for entry in json.loads(path.read_text("utf-8"))]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise NotTheData(f"{path} is no LoCoMo file: {type(error).__name__}: {error}") from error
    return found


def evidence_ids(given: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    """Return the turns that a question's evidence names; what names no turn of the conversation is left out.

    >>> sorted(evidence_ids(["D8:6; D9:17", "D:1:02", "D77:1"], frozenset({"D8:6", "D9:17", "D1:2"})))
    ['D1:2', 'D8:6', 'D9:17']
    """
    named = {f"D{int(session)}:{int(turn)}" for text in given for session, turn in _TURN_ID.findall(text)}
    return frozenset(named & known)


def _labelled(entry: Mapping[str, Any]) -> Labelled:
    sessions = tuple(_sessions(entry["conversation"]))
    known = frozenset(turn.turn_id for session in sessions for turn in session.turns)
    # Questions can be asked of a file without facts.
    gold = tuple(_gold(entry.get("observation", {}), known))
    conversation = Conversation(user_id=entry["sample_id"], sessions=sessions, gold=gold)
    return Labelled(conversation, tuple(_questions(entry["qa"], known)))


def _sessions(conversation: Mapping[str, Any]) -> Iterator[Session]:
    clock = Clock()
    for number in sorted(int(match[1]) for key in conversation if (match := _SESSION.fullmatch(key))):
        session_id = f"session_{number}"
        began = _moment(conversation[f"{session_id}_date_time"])
        turns = tuple(
            _turn(row, clock.next(began + timedelta(seconds=SECONDS_PER_TURN * index)))
            for index, row in enumerate(conversation[session_id])
        )
        if turns:
            yield Session(session_id=session_id, turns=turns)


def _turn(row: Mapping[str, Any], said_at: datetime) -> SaidTurn:
    caption = row.get("blip_caption")
    content = f"{row['text']} [image: {caption}]" if caption else row["text"]
    # Both speakers are people.
    return SaidTurn(turn_id=row["dia_id"], role="user", name=row["speaker"], content=content, at=said_at)


def _moment(text: str) -> datetime:
    """Return the moment of "1:56 pm on 8 May, 2023"; the data name no timezone."""
    return datetime.strptime(text, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _gold(observation: Mapping[str, Mapping[str, Any]], known: frozenset[str]) -> Iterator[Gold]:
    """Yield the facts whose sources are turns. Facts without a turn are skipped."""
    for text, sources in chain.from_iterable(facts for session in observation.values() for facts in session.values()):
        named = [sources] if isinstance(sources, str) else sources
        if turn_ids := evidence_ids(named, known):
            yield Gold(text=" ".join(text.split()), turn_ids=tuple(sorted(turn_ids)))


def _questions(rows: Sequence[Mapping[str, Any]], known: frozenset[str]) -> Iterator[LabelledQuestion]:
    """Yield the questions that turns of the conversation answer."""
    for row in rows:
        evidence = evidence_ids(row["evidence"], known)
        category = str(row["category"])
        if evidence and category in CATEGORIES:
            yield LabelledQuestion(
                text=row["question"], category=category, evidence=evidence, answer=str(row.get("answer", ""))
            )
