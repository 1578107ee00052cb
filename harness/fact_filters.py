"""Filters of recall on synthetic memories, with the facts that pass them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from harness import copying
from harness.synthetic import SyntheticMemory

#: The kinds of filters.
KINDS = ("topic", "since", "until", "session", "agent")


@dataclass(frozen=True, slots=True)
class FactFilter:
    """Arguments of `recall`, and a function that says which facts pass."""

    arguments: Mapping[str, Any]
    passes: Callable[[int], bool]


def around(said: SyntheticMemory, fact: int, kind: str) -> FactFilter:
    """Return the filter of this kind (see KINDS) that `fact` passes."""
    turn = said.turn_of(fact)
    match kind:
        case "topic":
            topic = said.topic_of(fact)
            return FactFilter({"topics": [topic]}, lambda one: said.topic_of(one) == topic)
        case "since":
            return FactFilter({"since": said.said_at(turn)}, lambda one: said.turn_of(one) >= turn)
        case "until":
            until = said.said_at(turn) + timedelta(seconds=1)
            return FactFilter({"until": until}, lambda one: said.turn_of(one) <= turn)
        case "session":
            session = said.session_of(turn)
            return FactFilter({"session_id": session}, lambda one: said.session_of(said.turn_of(one)) == session)
        case "agent":
            agent = copying.agent_of(turn)
            return FactFilter({"agent_id": agent}, lambda one: copying.agent_of(said.turn_of(one)) == agent)
    raise AssertionError(kind)
