"""Kills the servers that a dead parent has left behind.

Run as a process of its own: `python -I -S guardian.py <pid of the parent>`. Standard input is a pipe of lines:

    add <group> <signal>     this process group is to be ended when the parent dies: first by this signal
    drop <group>             it has ended

The end of the pipe, or a parent that is no longer the parent, means that the parent is dead, however it died. This
beats PR_SET_PDEATHSIG, which follows the thread and not the process, is lost when a child changes its user, reaches
no grandchildren, and exists on Linux only.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

#: How often we look whether the parent is still there, should a fork of it keep the pipe open.
PARENT_CHECK_SECONDS = 1.0
#: What a server gets between its signal and SIGKILL. Shorter than the deadline of whoever starts it again.
GRACE_SECONDS = 5.0


def main() -> None:
    """Read the groups until the parent is dead, then end them."""
    parent = int(sys.argv[1])
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_groups(read_groups(parent))


def read_groups(parent: int) -> dict[int, int]:
    """Return the groups (and each one's first signal) that were alive when `parent` died."""
    groups: dict[int, int] = {}
    unread = b""
    while os.getppid() == parent:
        if not select.select([0], [], [], PARENT_CHECK_SECONDS)[0]:
            continue
        received = os.read(0, 4_096)
        if not received:
            break
        *lines, unread = (unread + received).split(b"\n")
        for line in lines:
            note(groups, line.decode())
    return groups


def note(groups: dict[int, int], line: str) -> None:
    verb, group, *first_signal = line.split()
    if verb == "add":
        groups[int(group)] = int(first_signal[0])
    else:
        groups.pop(int(group), None)


def end_groups(groups: dict[int, int]) -> None:
    """Signal each group as it asked to be, and kill what is there after the grace."""
    for group, first_signal in groups.items():
        send(group, first_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(send(group, 0) for group in groups):
        time.sleep(0.05)
    for group in groups:
        send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Send a signal to a process group; False when nobody is left in it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
