"""Durations and times on the command line: 30m, 12h, 90d; 2027-01-31T12:00Z."""

from __future__ import annotations

import re
from datetime import datetime

from afterturn.errors import InvalidInput

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d{1,9})\s*([smhdw])")


def is_duration(text: str) -> bool:
    """Return whether a text is a number with a unit."""
    return _DURATION.fullmatch(text.strip()) is not None


def parse_seconds(option: str, text: str) -> float:
    """Return the seconds of a duration. Raises InvalidInput, which names the option."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"{option} must be a number with a unit (s, m, h, d, w), such as 12h or 90d")
    return float(int(found[1]) * _SECONDS[found[2]])


def parse_time(option: str, text: str) -> datetime:
    """Return a time of ISO 8601 with a timezone. Raises InvalidInput, which names the option."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidInput(f"{option} must be a duration such as 90d, or a time such as 2027-01-31T12:00Z")
    return time
