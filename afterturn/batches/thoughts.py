"""Find the end of a thought without a model: by the rhythm of its session and by its last words.

A thought is over when the session is silent for longer than it usually is between two turns. How much longer depends
on how regular the session is, and on how much a wrong guess costs: little if the batch is nearly full. Reasons and
figures: docs/explanation/decisions/056-the-end-of-a-thought.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import pairwise

from afterturn.batches.cut import Limits, UncutTurn
from afterturn.batches.farewells import ends_with_farewell

#: Turns before the waiting ones whose times show the rhythm of a session. More: a session that changes its pace is
#: misjudged for longer. Fewer: the first turns of a batch say little.
EARLIER_TURNS = 20
#: The shortest wait, as a share of the idle time: 5 s of 60; also where the rhythm is unknown. Shorter: thoughts are
#: cut apart. Longer: facts come later.
SHORTEST_SHARE = 1 / 12
#: Turns this close together were written in one go, and say nothing about a rhythm.
TOGETHER_SECONDS = 0.3
#: How many standard deviations above the usual gap (of the logarithms) a pause is, for the first waiting turn and for
#: a full batch. Larger: fewer and larger batches. Smaller: fresher facts.
DEVIATIONS_EMPTY = 2.5
DEVIATIONS_FULL = 0.5
#: The deviation that is assumed at first, with the weight of so many gaps: people vary by about this factor (e^0.5).
ASSUMED_DEVIATION = 0.5
ASSUMED_GAPS = 3
#: After a question, the wait is so much longer: its answer belongs to it.
ANSWER_FACTOR = 1.5
#: Characters at the end of a turn that show whether it asks or says goodbye.
ENDING_CHARACTERS = 60

#: A question mark of any language, followed by nothing but closing marks or an emoji.
_QUESTION = re.compile(r"[?\uff1f\u061f][^\w]*\Z")


def asks(content: str) -> bool:
    """Return whether a turn ends with a question."""
    return _QUESTION.search(content[-ENDING_CHARACTERS:]) is not None


def new_turn(position: int, tokens: int, written_at: float, content: str) -> UncutTurn:
    """Return a turn that is archived now, with what cutting uses of it.

    Args:
        position: its place in the session.
        tokens: its size.
        written_at: when Redis acknowledged it, in seconds.
        content: its text.
    """
    ending = content[-ENDING_CHARACTERS:]
    return UncutTurn(position, tokens, written_at, asks(ending), ending, content)


def waiting_turn(position: int, tokens: int, written_at: float, ending: str) -> UncutTurn:
    """Return the same of a turn that was archived before, of which only the ending is read."""
    return UncutTurn(position, tokens, written_at, asks(ending), ending)


def wait_seconds(uncut: Sequence[UncutTurn], earlier: Sequence[float], limits: Limits, *, idle_seconds: float) -> float:
    """Return how long a session has to be silent, counted from its last turn, until its thought is over.

    Args:
        uncut: the waiting turns, at least one.
        earlier: times of the turns before them, in seconds.
        limits: the size of a full batch.
        idle_seconds: the longest wait.
    """
    shortest = idle_seconds * SHORTEST_SHARE
    if ends_with_farewell(uncut[-1].ending):
        return shortest
    tokens = sum(turn.tokens for turn in uncut)
    fullness = min(1.0, max(len(uncut) / limits.turns, tokens / limits.tokens))
    times = [*earlier, *(turn.written_at for turn in uncut)][-EARLIER_TURNS - 1 :]
    pause = _pause_seconds(times, fullness, idle_seconds)
    if uncut[-1].is_question:
        pause *= ANSWER_FACTOR
    return min(idle_seconds, max(shortest, pause))


def _pause_seconds(times: Sequence[float], fullness: float, idle_seconds: float) -> float:
    """Return how long a gap has to be to be a pause, by the gaps between these times. Longer gaps were pauses."""
    gaps = [later - time for time, later in pairwise(times) if TOGETHER_SECONDS <= later - time <= idle_seconds]
    if not gaps:
        return idle_seconds * SHORTEST_SHARE
    logarithms = [math.log(gap) for gap in gaps]
    usual = sum(logarithms) / len(logarithms)
    squares = ASSUMED_GAPS * ASSUMED_DEVIATION**2 + sum((value - usual) ** 2 for value in logarithms)
    deviation = math.sqrt(squares / (ASSUMED_GAPS + len(logarithms)))
    deviations = DEVIATIONS_EMPTY + (DEVIATIONS_FULL - DEVIATIONS_EMPTY) * fullness
    return math.exp(usual + deviations * deviation)
