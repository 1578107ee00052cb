"""A labelled conversation: its turns, the facts of each turn, and the facts that update others."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

_STRAIGHT = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


class NotTheData(Exception):
    """A file is missing, or does not have the form of its set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTurn:
    """One turn."""

    #: Unique for its user.
    turn_id: str
    role: str
    content: str
    #: In seconds, and unique for its user.
    at: datetime
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Turns in the order in which they were said."""

    session_id: str
    turns: tuple[SaidTurn, ...]
    #: Whether it is not in the data but made from the labels.
    is_made_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """One mention of a fact. Other mentions may have the same text."""

    text: str
    #: The turns that contain it together.
    turn_ids: tuple[str, ...]
    #: ISO 8601; None if it is not in the data.
    valid_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Two facts that cannot both be current."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """All sessions of one user, with their facts."""

    user_id: str
    #: In the order of time.
    sessions: tuple[Session, ...]
    gold: tuple[Gold, ...]
    updates: tuple[Update, ...] = ()
    #: The user's name; None if it is not in the data.
    user_name: str | None = None
    #: The turns that contain nothing to remember, if the data label them.
    small_talk: frozenset[str] = frozenset()

    @property
    def turns(self) -> dict[str, SaidTurn]:
        """Return all turns by id."""
        return {turn.turn_id: turn for session in self.sessions for turn in session.turns}


def normalised(text: str) -> str:
    """Return `text` in the form in which facts are compared: NFKC, straight quotes, single spaces, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_STRAIGHT).split()).casefold()


class Clock:
    """Gives each turn a unique time, as near to the time in the data as the order allows."""

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
        raise NotTheData(f"{data}: there is no such file, or no {pattern} in the folder")
    yield from found
