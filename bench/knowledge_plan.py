"""The order in which a conversation is written: as it took place, or with the faults that a caller may cause."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bench.data.conversation import Conversation, Gold, SaidTurn, Session, normalised

#: One of this number of facts is repeated in a later turn.
_EVERY = 3
#: The number of sessions that are written before any of them is processed.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The sessions to write, and the facts that they contain."""

    #: The sessions of a round are written and then processed completely before the next round.
    rounds: tuple[tuple[Session, ...], ...]
    gold: tuple[Gold, ...]
    #: Write each turn twice, write a round's first session again at its end, deliver each hint twice in random order.
    is_unruly: bool = False


def plain(conversation: Conversation) -> Plan:
    """Write each session once, in the order of time."""
    return Plan(rounds=tuple((session,) for session in conversation.sessions), gold=conversation.gold)


def unruly(conversation: Conversation, *, seed: int = 1) -> Plan:
    """Write the sessions in random order, several at once, and repeat every third fact later."""
    lot = random.Random(seed)
    order = list(conversation.sessions)
    lot.shuffle(order)
    rounds = tuple(tuple(order[start : start + _AT_ONCE]) for start in range(0, len(order), _AT_ONCE))
    return Plan(rounds=rounds, gold=(*conversation.gold, *_said_again(conversation, lot)), is_unruly=True)


def _said_again(conversation: Conversation, lot: random.Random) -> list[Gold]:
    """Return the repetitions, in turns that contain facts, because small talk is not extracted.

    A fact is not repeated after it was replaced, because that would make it true again.
    """
    turns = conversation.turns
    telling = {turn_id: turns[turn_id] for gold in conversation.gold for turn_id in gold.turn_ids}
    ends = _ends(conversation)
    again = []
    for gold in conversation.gold[::_EVERY]:
        said = max(turns[turn_id].at for turn_id in gold.turn_ids)
        end = ends.get(normalised(gold.text))
        later = [turn for turn in telling.values() if turn.at > said and (end is None or turn.at < end)]
        if later:
            turn: SaidTurn = lot.choice(later)
            again.append(Gold(text=gold.text, turn_ids=(turn.turn_id,), valid_from=gold.valid_from))
    return again


def _ends(conversation: Conversation) -> dict[str, datetime]:
    """Return the time at which each replaced fact was first replaced."""
    turns = conversation.turns
    first: dict[str, datetime] = {}
    for gold in conversation.gold:
        text, said = normalised(gold.text), min(turns[turn_id].at for turn_id in gold.turn_ids)
        first[text] = min(said, first.get(text, said))
    ends: dict[str, datetime] = {}
    for update in conversation.updates:
        old, begins = normalised(update.old), first[normalised(update.new)]
        ends[old] = min(begins, ends.get(old, begins))
    return ends


def count_turns(rounds: Sequence[Sequence[Session]]) -> int:
    """Return the number of turns, each counted once."""
    return sum(len(session.turns) for sessions in rounds for session in sessions)
