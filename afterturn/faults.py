"""Fault points: named places in the stages at which a test may kill or stop the process.

Off unless the environment variable FAULT_POINT is set when this module is loaded; then `point` costs one call that
does nothing. Its form is `<point> <action> <flag file>`, for example `extract.answer_stored kill /tmp/x/fired`: the
first process to point the point makes the flag file and is struck; nobody is struck twice.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

#: Every point, by stage, in the order in which a run passes them. A test compares this with what the stages call, and
#: the crash matrix strikes at each.
POINTS: dict[str, tuple[str, ...]] = {
    "sweep": (
        "begun",
        "archives_claimed",
        "archives_enqueued",
        "cut_committed",
        "imports_cut",
        "hints_committed",
        "enqueued",
    ),
    "archive": ("begun", "entries_read", "rows_locked", "before_commit", "after_commit", "entries_removed", "enqueued"),
    "extract": (
        "before_claim",
        "after_claim",
        "call_reserved",
        "answer_received",
        "answer_stored",
        "before_commit",
        "after_commit",
        "enqueued",
    ),
    "embed": (
        "before_claim",
        "after_claim",
        "vectors_received",
        "vectors_stored",
        "before_commit",
        "after_commit",
        "enqueued",
    ),
    "judge": (
        "before_claim",
        "after_claim",
        "call_reserved",
        "answer_received",
        "answer_stored",
        "before_commit",
        "after_commit",
        "enqueued",
    ),
    "consolidate": (
        "before_lock",
        "lock_taken",
        "before_claim",
        "after_claim",
        "decided",
        "rows_locked",
        "before_commit",
        "after_commit",
        "enqueued",
    ),
    "summarize": (
        "before_claim",
        "after_claim",
        "answer_received",
        "answer_stored",
        "before_commit",
        "after_commit",
    ),
    "sleep": (
        "before_claim",
        "after_claim",
        "call_reserved",
        "answer_received",
        "answer_stored",
        "before_commit",
        "after_commit",
    ),
    "index": ("before_claim", "after_claim", "postings_stored", "cells_stored", "before_commit", "after_commit"),
    "erase": ("begun", "redis_cleared", "rows_deleted", "before_commit", "after_commit"),
}

VARIABLE = "FAULT_POINT"
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def _pass_by(point: str) -> None:
    """Do nothing: no fault is armed."""


def _armed(wanted: str, action: str, flag: str) -> Callable[[str], None]:
    struck_by = _SIGNALS[action]

    def strike(point: str) -> None:
        if point != wanted:
            return
        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
        os.kill(os.getpid(), struck_by)

    return strike


def _from_environment() -> Callable[[str], None]:
    given = os.environ.get(VARIABLE)
    return _armed(*given.split(" ", 2)) if given else _pass_by


#: Call it with "<stage>.<point>" at each point of POINTS.
point = _from_environment()
