"""Check that Postgres contains every written turn once, and in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from afterturn import MemoryClient
from afterturn.client.limits import RESULT_LIMIT
from afterturn.settings import Settings
from api_shim.cli.demo.recorded import RecordedSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The comparison of the written turns with the archived turns."""

    written: int
    archived: int
    lost: int
    doubled: int
    #: Whether the positions in each session are 1, 2, 3 … in the order in which the turns were written.
    is_in_order: bool

    @property
    def is_complete(self) -> bool:
        return self.lost == 0 and self.doubled == 0 and self.is_in_order


def check_delivery(sessions: Sequence[RecordedSession], settings: Settings) -> Delivery:
    """Read every session (up to 1,000 turns of each) and compare it with the written turns."""
    expected: list[tuple[str, str]] = []
    archived: list[tuple[str, str]] = []
    is_in_order = True
    for session in sessions:
        history = MemoryClient(session.user_id, session.session_id, settings=settings).history(RESULT_LIMIT)
        placed = [turn for turn in history if turn.position is not None]
        expected += [(session.session_id, turn.turn_id) for turn in session.turns]
        archived += [(session.session_id, turn.turn_id) for turn in placed]
        is_in_order &= [turn.position for turn in placed] == list(range(1, len(placed) + 1))
    return Delivery(
        written=len(expected),
        archived=len(archived),
        lost=len(set(expected) - set(archived)),
        doubled=len(archived) - len(set(archived)),
        is_in_order=is_in_order and archived == expected,
    )
