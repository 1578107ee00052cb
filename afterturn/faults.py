"""Fault points: named places in the stages at which a test can kill or stop the process.

They are active only if the environment variable FAULT_POINT is set when this module is loaded. Otherwise `point` is a
function that does nothing. The variable has the form `<point> <action> <flag file>`, for example
`extract.answer_stored kill /tmp/x/fired`. The first process that reaches the point creates the flag file and gets the
signal; no other process gets it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

#: Every point, by stage, in the order in which a run passes them. A test compares this with the calls in the stages,
#: and the crash matrix kills a process at each.
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
        "enqueued",
    ),
    "sleep": (
        "before_claim",
        "after_claim",
        "call_reserved",
        "answer_received",
        "answer_stored",
        "thread_call_reserved",
        "thread_answer_received",
        "thread_answer_stored",
        "before_commit",
        "after_commit",
    ),
    "index": ("before_claim", "after_claim", "postings_stored", "cells_stored", "before_commit", "after_commit"),
    "spaces": (
        "begun",
        "after_claim",
        "vectors_received",
        "vectors_stored",
        "vectors_deleted",
        "before_commit",
        "before_switch",
    ),
    "cold": ("before_claim", "after_claim", "object_noted", "object_stored", "before_commit", "after_commit"),
    "restore": ("object_read", "before_commit", "after_commit"),
    "merge": ("begun", "archived", "rows_moved", "before_commit", "after_commit", "redis_cleared"),
    "erase": ("begun", "redis_cleared", "rows_deleted", "before_commit", "after_commit"),
}

ENVIRONMENT_VARIABLE = "FAULT_POINT"
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def _do_nothing(point: str) -> None:
    """Ignore the point: no fault is configured."""


def _signal_once_at(wanted_point: str, action: str, flag_path: str) -> Callable[[str], None]:
    """Return a function that sends the action's signal to its own process the first time the point is reached."""
    signal_number = _SIGNALS[action]

    def signal_once(point: str) -> None:
        if point != wanted_point:
            return
        try:
            os.close(os.open(flag_path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal_number)

    return signal_once


def _from_environment() -> Callable[[str], None]:
    value = os.environ.get(ENVIRONMENT_VARIABLE)
    return _signal_once_at(*value.split(" ", 2)) if value else _do_nothing


#: Call it with "<stage>.<point>" at each point of POINTS.
point = _from_environment()
