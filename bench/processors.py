"""What the processors were busy with: on a machine that others use too, seconds of our own tell more than those of the
clock. Read from /proc; where there is none, nothing is known."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.report import Value

_PROC = Path("/proc")
#: Fields of /proc/<id>/stat after the name: parent, and the seconds of the process and of its ended children.
_PARENT, _TIMES = 1, slice(11, 15)
#: Fields of the first line of /proc/stat that are not work: idle, waiting for a disk; and guests, counted twice.
_BUSY_FIELDS = (0, 1, 2, 5, 6)


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds of processors used up to a moment."""

    ours: float
    everybody: float

    def figures(self, since: Moment, turns: int) -> dict[str, Value]:
        """Return what a turn took since then, and which share of all work was that of others."""
        ours, everybody = self.ours - since.ours, self.everybody - since.everybody
        return {"cpu_ms_per_turn": 1_000 * ours / turns, "share_of_others": max(0.0, 1 - ours / everybody)}


def now() -> Moment | None:
    """Return what this process and all that it has started have used so far; None where the system does not tell."""
    if not (_PROC / "stat").exists():
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    line = (_PROC / "stat").read_text().splitlines()[0].split()[1:]
    return Moment(sum(_ticks_of_ours()) / ticks, sum(int(line[field]) for field in _BUSY_FIELDS) / ticks)


def _ticks_of_ours() -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    used: dict[int, int] = {}
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        process_id = int(path.parent.name)
        children[int(fields[_PARENT])].append(process_id)
        used[process_id] = sum(int(field) for field in fields[_TIMES])
    ours = [os.getpid()]
    for process_id in ours:
        ours += children[process_id]
    return [used.get(process_id, 0) for process_id in ours]
