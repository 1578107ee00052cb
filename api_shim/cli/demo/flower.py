"""Read from Flower how many tasks of the run succeeded and failed."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from dataclasses import dataclass

TIMEOUT_SECONDS = 2.0
_EVENTS = re.compile(r"^flower_events_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
#: Flower runs on this machine, so a proxy of the environment is not used.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """The numbers of ended tasks, without the sweeps, which run periodically."""

    succeeded: int
    failed: int


def read_task_counts(address: str) -> TaskCounts | None:
    """Return the counts from the metrics of Flower at `address`; None if it does not answer."""
    try:
        with _opener.open(f"{address}/metrics", timeout=TIMEOUT_SECONDS) as response:
            return count_tasks(response.read().decode())
    except (OSError, urllib.error.URLError):
        return None


def count_tasks(metrics: str) -> TaskCounts:
    """Return the counts in Flower's metrics, which are in Prometheus's text format."""
    counts = {"task-succeeded": 0, "task-failed": 0}
    for line in _EVENTS.finditer(metrics):
        labels = dict(re.findall(r'(\w+)="([^"]*)"', line["labels"]))
        if labels.get("type") in counts and labels.get("task") != "afterturn.sweep":
            counts[labels["type"]] += int(float(line["count"]))
    return TaskCounts(succeeded=counts["task-succeeded"], failed=counts["task-failed"])
