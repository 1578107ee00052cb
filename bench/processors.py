"""Measure processor time. On a shared machine it is more reliable than clock time. It needs /proc."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report import Value

_PROC = Path("/proc")
#: Fields of /proc/<id>/stat after the name: parent, and the seconds of the process and of its ended children.
_PARENT, _TIMES = 1, slice(11, 15)
#: Fields of the first line of /proc/stat that are not work: idle, waiting for a disk; and guests, counted twice.
_BUSY_FIELDS = (0, 1, 2, 5, 6)


#: The kinds of processes: a word of the command line, and the kind.
_KINDS = (
    (" slow ", "slow"),
    (" fast ", "fast"),
    ("postgres", "postgres"),
    ("redis-server", "redis"),
    ("harness.llm_server", "llm"),
    (" beat ", "beat"),
)
#: This process and unrecognised processes.
_OTHERS = "bench"


@dataclass(frozen=True, slots=True)
class Moment:
    """The processor seconds used until a time."""

    #: Those of this process and its descendants, by kind.
    ours: Mapping[str, float]
    everybody: float

    def figures(self, since: Moment, turns: int) -> dict[str, Value]:
        """Return the processor time per turn since `since`, in total and by kind, and the share of other processes."""
        used = {kind: seconds - since.ours.get(kind, 0.0) for kind, seconds in self.ours.items()}
        everybody = self.everybody - since.everybody
        by_kind = {f"cpu_ms_per_turn_{kind}": 1_000 * seconds / turns for kind, seconds in sorted(used.items())}
        total = sum(used.values())
        return {
            "cpu_ms_per_turn": 1_000 * total / turns,
            "share_of_others": max(0.0, 1 - total / everybody),
            **by_kind,
        }


def now() -> Moment | None:
    """Return the processor seconds used so far; None if the system has no /proc."""
    if not (_PROC / "stat").exists():
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    line = (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    ours = {kind: used / ticks for kind, used in _ticks_by_kind().items()}
    return Moment(ours, sum(int(line[field]) for field in _BUSY_FIELDS) / ticks)


def _ticks_by_kind() -> dict[str, int]:
    children: dict[int, list[int]] = defaultdict(list)
    used: dict[int, int] = {}
    kinds: dict[int, str] = {}
    for path in _PROC.glob("[0-9]*/stat"):
        process_id = int(path.parent.name)
        try:
            fields = path.read_text().rpartition(")")[2].split()
            command_line = (path.parent / "cmdline").read_text().replace("\0", " ")
            kinds[process_id] = _kind(command_line)
        except OSError:
            continue  # The process has just ended.
        children[int(fields[_PARENT])].append(process_id)
        used[process_id] = sum(int(field) for field in fields[_TIMES])
    ours = [os.getpid()]
    for process_id in ours:
        ours += children[process_id]
    ticks: dict[str, int] = defaultdict(int)
    for process_id in ours:
        kind = _OTHERS if process_id == os.getpid() else kinds.get(process_id, _OTHERS)
        ticks[kind] += used.get(process_id, 0)
    return ticks


def _kind(command_line: str) -> str:
    return next((kind for word, kind in _KINDS if word in command_line), _OTHERS)
