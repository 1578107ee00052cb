"""A conversation with labels: what was said, which facts are learnt from which turns, and which of them are updates."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


class NotTheData(Exception):
    """A file is not there, or not of the form that its set has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTurn:
    """One turn."""

    #: Unlike all others of its user.
    turn_id: str
    role: str
    content: str
    #: To the second, and unlike that of all other turns of its user.
    at: datetime
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Turns in the order in which they were said."""

    session_id: str
    turns: tuple[SaidTurn, ...]
    #: Not in the data, but made from its labels.
    is_made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """One fact, as it is said in one place. The same text may be said again in others."""

    text: str
    #: The turns that say it together.
    turn_ids: tuple[str, ...]
    #: ISO 8601; None where the data do not say.
    valid_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Two facts that cannot both be current."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All that one user said, and what is learnt from it."""

    user_id: str
    #: In the order of time.
    sessions: tuple[Session, ...]
    gold: tuple[Gold, ...]
    updates: tuple[Update, ...] = ()
    #: What the user is called, where the data say so.
    user_name: str | None = None

    @property
    def turns(self) -> dict[str, SaidTurn]:
        """Return all turns by id."""
        return {turn.turn_id: turn for session in self.sessions for turn in session.turns}


def normalised(text: str) -> str:
    """Return `text` as facts are compared: NFKC, straight quotation marks, single spaces, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_STRAIGHT).split()).casefold()


class Clock:
    """Gives each turn a moment of its own, as near to what the data say as their order allows."""

    def __init__(self) -> None:
        self._last: datetime | None = None

    def next(self, said: datetime) -> datetime:
        """Return `said`, or the second after the turn before."""
        if self._last is not None and said <= self._last:
            said = self._last + timedelta(seconds=1)
        self._last = said
        return said


def files(data: Path, pattern: str) -> Iterator[Path]:
    """Yield the files of a set: `data` itself, or those of this folder, in order. Raises NotTheData without any."""
    found = sorted(data.glob(pattern)) if data.is_dir() else [data] if data.is_file() else []
    if not found:
        raise NotTheData(f"{data}: there is no such file, or no {pattern} in it")
    yield from found
