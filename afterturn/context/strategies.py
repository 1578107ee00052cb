"""Which of a session's turns are shown: the last ones, by number or by tokens, with the summary, or the important."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from afterturn.context.messages import Passage
from afterturn.errors import InvalidInput

#: The most turns that are read for one context.
MOST_TURNS = 1_000
#: An estimate of the shortest turns: how many must be read to have a number of tokens.
_TOKENS_PER_TURN = 5


class History(Protocol):
    """Chooses among the passages of a session."""

    @property
    def turns_read(self) -> int:
        """How many of the session's last turns it chooses among, 1 to 1,000."""
        ...

    @property
    def shows_summary(self) -> bool:
        """Whether the session's summary stands for what is not shown."""
        ...

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        """Return the passages to show, of those read, both oldest first. The budget may cut the oldest of them."""
        ...


@dataclass(frozen=True, slots=True)
class LastTurns:
    """The last `turns` turns."""

    turns: int = 20
    shows_summary = False

    def __post_init__(self) -> None:
        _checked("turns", self.turns, 0, MOST_TURNS)

    @property
    def turns_read(self) -> int:
        return max(1, self.turns)

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return _last(passages, [len(passage.turns) for passage in passages], self.turns)


@dataclass(frozen=True, slots=True)
class SummaryAndRecent(LastTurns):
    """The session's summary, and the last `turns` turns."""

    shows_summary = True


@dataclass(frozen=True, slots=True)
class LastTokens:
    """The last turns that have `tokens` tokens together."""

    tokens: int
    shows_summary = False

    def __post_init__(self) -> None:
        _checked("tokens", self.tokens, 0, None)

    @property
    def turns_read(self) -> int:
        return min(MOST_TURNS, 1 + self.tokens // _TOKENS_PER_TURN)

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return _last(passages, [passage.tokens for passage in passages], self.tokens)


@dataclass(frozen=True, slots=True)
class ImportantOnly:
    """Tool calls with their results, system turns and turns with `metadata={"pinned": True}`, of the last `among`."""

    among: int = 200
    shows_summary = False

    def __post_init__(self) -> None:
        _checked("among", self.among, 1, MOST_TURNS)

    @property
    def turns_read(self) -> int:
        return self.among

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return [passage for passage in passages if _is_important(passage)]


def _is_important(passage: Passage) -> bool:
    first = passage.turns[0]
    return passage.has_tools or first.role == "system" or first.metadata.get("pinned") is True


def _last(passages: Sequence[Passage], sizes: Sequence[int], most: int) -> list[Passage]:
    first = len(passages)
    while first and sizes[first - 1] <= most:
        first -= 1
        most -= sizes[first]
    return list(passages[first:])


def _checked(name: str, number: object, least: int, most: int | None) -> None:
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number or number < least or (most is not None and number > most):  # type: ignore[operator]
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        raise InvalidInput(f"{name} must be {bounds}, not {number!r}")
