"""A user's timezone, by its name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo


def of(name: str | None) -> tzinfo:
    """Return the timezone of an IANA name; UTC for none, and for one that this machine does not know.

    The latter costs a few hours of accuracy, not the batch.
    """
    try:
        return ZoneInfo(name) if name else UTC
    except (KeyError, ValueError, OSError):
        return UTC


def is_known(name: str) -> bool:
    """Whether this machine knows a timezone of this name."""
    return of(name) is not UTC
