"""Turns as models see them: without the secrets that people said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from afterturn.redaction import credentials
from afterturn.turns import Turn


def redact_turns(turns: Sequence[Turn], *, before: Sequence[Turn] = ()) -> list[Turn]:
    """Return the turns with every secret in their content replaced.

    A secret that one turn shows to be one is replaced in all of them, and so is the short answer to a question for one.

    Args:
        turns: consecutive turns, in order.
        before: the turns before them.
    """
    known = find_turn_secrets([*before, *turns])
    clean = []
    previous = before[-1] if before else None
    for turn in turns:
        is_answer = previous is not None and previous.role != turn.role
        if is_answer and previous is not None and credentials.asks_for_secret(previous.content):
            content = credentials.redact(credentials.redact_answer(turn.content), known)
        else:
            content = credentials.redact(turn.content, known)
        clean.append(turn if content == turn.content else replace(turn, content=content))
        previous = turn
    return clean


def find_turn_secrets(turns: Sequence[Turn]) -> frozenset[str]:
    """Return the secrets that the turns contain."""
    return frozenset().union(*(credentials.find_secrets(turn.content) for turn in turns))
