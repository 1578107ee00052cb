"""LoCoMo: conversations between two people, with `observation`s: facts, each with the `dia_id` of its turn or turns.

The turns are read by the demo's loader.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from afterturn.errors import InvalidInput
from api_shim.cli.demo import locomo
from bench.data.conversation import Clock, Conversation, Gold, NotTheData, SaidTurn, Session, files


def load(data: Path) -> list[Conversation]:
    """Return the conversations of a file, or of all `*.json` of a folder. Raises NotTheData."""
    conversations = []
    for path in files(data, "*.json"):
        try:
            held = json.loads(path.read_text("utf-8"))
            conversations += [_conversation(path, entry) for entry in held]
        except (InvalidInput, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise NotTheData(f"{path} is no LoCoMo file: {type(error).__name__}: {error}") from error
    return conversations


def _conversation(path: Path, entry: Mapping[str, Any]) -> Conversation:
    read = locomo.load(path, entry["sample_id"])
    clock = Clock()
    sessions = tuple(
        Session(
            session_id=session.session_id,
            turns=tuple(
                SaidTurn(
                    turn_id=turn.turn_id,
                    role=turn.role,
                    name=turn.name,
                    content=turn.content,
                    at=clock.next(turn.occurred_at),
                )
                for turn in session.turns
            ),
        )
        for session in read.sessions
    )
    known = frozenset(turn.turn_id for session in sessions for turn in session.turns)
    # Questions can be asked of a file without facts.
    gold = tuple(_gold(entry.get("observation", {}), known))
    return Conversation(user_id=read.conversation_id, sessions=sessions, gold=gold)


def _gold(observation: Mapping[str, Mapping[str, Any]], known: frozenset[str]) -> Iterator[Gold]:
    """Yield the facts whose sources are turns; what names no turn is left out."""
    for text, sources in chain.from_iterable(facts for session in observation.values() for facts in session.values()):
        named = [sources] if isinstance(sources, str) else sources
        if turn_ids := locomo.evidence_ids(named, known):
            yield Gold(text=" ".join(text.split()), turn_ids=tuple(sorted(turn_ids)))
