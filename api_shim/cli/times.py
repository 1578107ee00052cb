"""Times on the command line."""

from __future__ import annotations

from datetime import datetime


def parse(text: str | None, option: str) -> datetime | None:
    """Return a time given in ISO 8601, in the timezone of this machine if it has none; None for None.

    Raises InvalidInput, which names the option.
    """
    from afterturn.errors import InvalidInput

    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InvalidInput(
            f"{option} must be a date or time in ISO 8601, such as 2024-05-01T12:00, not {text!r}"
        ) from None


def show(moment: datetime | None) -> str:
    """Return a time as text, in the timezone of this machine; an empty text for None."""
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"
