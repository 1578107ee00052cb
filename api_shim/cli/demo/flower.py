"""What Flower has seen of the run."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 2.0
_EVENTS = re.compile(r"^flower_events_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
#: On this machine itself, so never through the proxy that the environment may name.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksSeen:
    """How many tasks of the stages ended, and how. The sweeps, which come all the time, are left out."""

    succeeded: int
    failed: int


def tasks_seen(address: str) -> TasksSeen | None:
    """Ask Flower at `address` for its metrics; None when it does not answer."""
    try:
        with _opener.open(f"{address}/metrics", timeout=TIMEOUT_SECONDS) as response:
            return count_tasks(response.read().decode())
    except (OSError, urllib.error.URLError):
        return None


def count_tasks(metrics: str) -> TasksSeen:
    """Return what Flower's metrics (in Prometheus' text format) say."""
    counts = {"task-succeeded": 0, "task-failed": 0}
    for line in _EVENTS.finditer(metrics):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line["labels"]))
        if labels.get("type") in counts and labels.get("task") != "afterturn.sweep":
            counts[labels["type"]] += int(float(line["count"]))
    return TasksSeen(succeeded=counts["task-succeeded"], failed=counts["task-failed"])
