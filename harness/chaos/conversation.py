"""The conversation of every trial: a few turns with fixed ids and times, and a model that answers deterministically."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from afterturn.settings import Settings
from api_shim import MemoryClient
from harness.llm_server import answers, prompt
from harness.llm_server.prompt import ShownStatement, ShownTurn

#: What the model makes of two turns. The turns share no word with the facts that these statements replace, contradict
#: or contain, so that extraction is not shown those facts; the statements do, so that the judge is asked.
_BICYCLE, _COFFEE = "A red bicycle is mine.", "Coffee keeps me awake."
_WORDED = {
    _BICYCLE: "I traded the grey cat for a red bicycle and green tea.",
    _COFFEE: "I like coffee better than the boat.",
}

#: Two sessions of one user, whose batches must be applied in one order, and a session of another user. Facts are new,
#: repeated and superseded within a batch, across batches and across sessions.
SAID = {
    ("ana", "home"): (
        "I live in Porto.",
        "I own a grey cat.",
        "I like green tea.",
        "I live in Lisbon.",
        "I own a grey cat.",
        "I work as a nurse.",
        "My sister is called Rita.",
    ),
    ("ana", "work"): ("I work as a midwife.", "I like green tea.", _BICYCLE, "I live in Faro."),
    ("ben", "chat"): ("I live in Rome.", "I own a boat.", "I live in Turin.", "I own a boat.", _COFFEE),
}
TURNS = sum(len(texts) for texts in SAID.values())
#: With this limit, the sessions above become 3, 2 and 2 batches.
BATCH_TURNS = 3
BATCHES = 7

#: Pairs that only the judge can decide: the first text is replaced by the second. The texts are those of the model.
_REPLACED = frozenset({("Ana said: I own a grey cat.", f"Ana said: {_WORDED[_BICYCLE]}")})
#: Pairs that contradict each other, the first one said later.
_CONTRADICTING = frozenset({(f"Ben said: {_WORDED[_COFFEE]}", "Ben said: I own a boat.")})
#: Pairs of which the first one is a fuller wording of the second.
_REFINED = frozenset({(f"Ana said: {_WORDED[_BICYCLE]}", "Ana said: I like green tea.")})

STARTED = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_ATTRIBUTES = ((re.compile(r"I live in (\w+)"), "lives_in"), (re.compile(r"I work as a (\w+)"), "works_as"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedTurn:
    """One turn to write."""

    user_id: str
    session_id: str
    turn_id: str
    content: str
    occurred_at: datetime


def turns() -> list[ScriptedTurn]:
    """Return all turns, session by session, in order."""
    said: list[ScriptedTurn] = []
    for (user_id, session_id), texts in SAID.items():
        for number, text in enumerate(texts, start=1):
            at = STARTED + timedelta(minutes=len(said))
            turn_id = f"{user_id}-{session_id}-{number}"
            said.append(
                ScriptedTurn(user_id=user_id, session_id=session_id, turn_id=turn_id, content=text, occurred_at=at)
            )
    return said


def write(settings: Settings, *, is_flushed: bool = True) -> None:
    """Write all turns, then flush each session, so that the end of each batch does not depend on a clock."""
    for turn in turns():
        MemoryClient(turn.user_id, turn.session_id, settings=settings).write(
            "user", turn.content, turn_id=turn.turn_id, name=turn.user_id.title(), occurred_at=turn.occurred_at
        )
    if is_flushed:
        flush(settings)


def flush(settings: Settings) -> None:
    """Flush every session."""
    for user_id, session_id in SAID:
        MemoryClient(user_id, session_id, settings=settings).flush()


def answer(request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Answer an extraction call with one fact per turn, and a judging call with the known pairs.

    Returns None for other calls, which get the default answer.
    """
    if prompt.kind_of(request) == "judge":
        return answers.judgement(*_pairs(prompt.shown_statements(request)))
    shown = prompt.shown_turns(request)
    if not shown:
        return None
    known = prompt.shown_statements(request)
    return {"facts": [_fact(turn, known) for turn in shown], "episode": answers.episode(shown)}


def _pairs(shown: Sequence[ShownStatement]) -> list[tuple[str, str, str]]:
    new, known = ([one for one in shown if one.label.startswith(letter)] for letter in "NK")
    related = ((first, second, _relation(first.text, second.text)) for first, second in product(new, known))
    return [(first.label, second.label, relation) for first, second, relation in related if relation]


def _relation(first: str, second: str) -> str | None:
    """Return what a statement is to one that was said before it."""
    relations = {"contradicts": _CONTRADICTING, "refines": _REFINED, "replaces": {pair[::-1] for pair in _REPLACED}}
    return next((relation for relation, pairs in relations.items() if (first, second) in pairs), None)


def _fact(turn: ShownTurn, known: Sequence[ShownStatement]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for pattern, attribute in _ATTRIBUTES:
        if match := pattern.search(turn.content):
            named = {"category": "identity", "subject": turn.speaker, "attribute": attribute, "value": match[1]}
    text = f"{turn.speaker} said: {_WORDED.get(turn.content, turn.content)}"
    named["known"] = [f"{one.label} {relation}" for one in known if (relation := _relation(text, one.text))]
    return answers.fact(text, [(turn.number, turn.content)], **named)
