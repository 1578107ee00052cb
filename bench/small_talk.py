"""How well small talk is recognised in labelled conversations."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.extraction.small_talk import is_small_talk
from afterturn.turns import Turn, make_turn
from bench.data.conversation import SaidTurn
from bench.data.questions import Labelled


def figures(labelled: Sequence[Labelled]) -> dict[str, object]:
    """Return how many labelled turns are recognised, which are missed, and which others are taken for small talk."""
    recognised = 0
    missed: list[str] = []
    wrong: list[str] = []
    for one in labelled:
        conversation = one.conversation
        for session in conversation.sessions:
            turns = [_turn(said) for said in session.turns]
            for number, said in enumerate(session.turns):
                found = is_small_talk(turns[number : number + 1], turns[:number])
                is_labelled = said.turn_id in conversation.small_talk
                recognised += found and is_labelled
                if found != is_labelled:
                    (missed if is_labelled else wrong).append(f"{conversation.user_id}/{said.turn_id}")
    return {"recognised": recognised, "missed": missed, "wrong": wrong}


def _turn(said: SaidTurn) -> Turn:
    return make_turn(said.role, said.content, limit_bytes=1 << 20, name=said.name, occurred_at=said.at)
