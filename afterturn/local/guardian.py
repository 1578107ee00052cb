"""The guardian: a process that ends the child processes of a parent that has died.

It runs as `python -I -S guardian.py <pid of the parent>`. Its standard input is a pipe with lines:

    add <group> <signal>     when the parent dies, end this process group, first with this signal
    drop <group>             this process group has ended

The parent is dead when the pipe ends, or when the guardian has another parent process. This is better than
PR_SET_PDEATHSIG, which follows the thread and not the process, is lost when a child changes its user, does not reach
grandchildren, and exists on Linux only.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

#: How often the parent is checked, in case a fork of the parent keeps the pipe open.
PARENT_CHECK_SECONDS = 1.0
#: Time between a group's first signal and SIGKILL. Shorter than the time that a new start waits for the lock.
GRACE_SECONDS = 5.0


def main() -> None:
    """Collect the groups until the parent is dead, then end them."""
    parent = int(sys.argv[1])
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_groups(read_groups(parent))


def read_groups(parent: int) -> dict[int, int]:
    """Return the process groups that run when `parent` dies, each with its first signal."""
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
            apply_line(groups, line.decode())
    return groups


def apply_line(groups: dict[int, int], line: str) -> None:
    """Add or remove the group that a line of the pipe names."""
    verb, group, *first_signal = line.split()
    if verb == "add":
        groups[int(group)] = int(first_signal[0])
    else:
        groups.pop(int(group), None)


def end_groups(groups: dict[int, int]) -> None:
    """Send each group its first signal; kill the groups that still run after the grace period."""
    for group, first_signal in groups.items():
        send_signal(group, first_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(send_signal(group, 0) for group in groups):
        time.sleep(0.05)
    for group in groups:
        send_signal(group, signal.SIGKILL)


def send_signal(group: int, number: int) -> bool:
    """Send a signal to a process group. Return False when the group has no process."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main()
