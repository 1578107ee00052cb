"""Timezones by name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def timezone_of(name: str | None) -> tzinfo:
    """Return the timezone of an IANA name; UTC for None and for an unknown name.

    With an unknown name, dates are wrong by some hours, but the batch is not lost.
    """
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def is_known(name: str) -> bool:
    """Return whether this machine knows a timezone by its name."""
    return timezone_of(name) is not UTC
