"""History strategies: which of a session's turns a context shows, and whether it shows the session's summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from afterturn.context.messages import Passage
from afterturn.errors import InvalidInput

#: The largest number of turns that is read for one context.
MAX_TURNS_READ = 1_000
#: Tokens of the shortest turns, to estimate how many turns must be read for a number of tokens.
_MIN_TOKENS_PER_TURN = 5


class History(Protocol):
    """Chooses among the passages of a session."""

    @property
    def turns_read(self) -> int:
        """How many of the session's last turns it chooses from, 1 to 1,000."""
        ...

    @property
    def shows_summary(self) -> bool:
        """Whether the context contains the session's summary."""
        ...

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        """Return those of `passages` to show, oldest first. The budget may then cut off the oldest of them."""
        ...


@dataclass(frozen=True, slots=True)
class LastTurns:
    """Show the last `turns` turns."""

    turns: int = 20
    shows_summary = False

    def __post_init__(self) -> None:
        _validate_number("turns", self.turns, 0, MAX_TURNS_READ)

    @property
    def turns_read(self) -> int:
        return max(1, self.turns)

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return _last_within(passages, [len(passage.turns) for passage in passages], self.turns)


@dataclass(frozen=True, slots=True)
class SummaryAndRecent(LastTurns):
    """Show the session's summary and the last `turns` turns."""

    shows_summary = True


@dataclass(frozen=True, slots=True)
class LastTokens:
    """Show the last turns that have at most `tokens` tokens together."""

    tokens: int
    shows_summary = False

    def __post_init__(self) -> None:
        _validate_number("tokens", self.tokens, 0, None)

    @property
    def turns_read(self) -> int:
        return min(MAX_TURNS_READ, 1 + self.tokens // _MIN_TOKENS_PER_TURN)

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return _last_within(passages, [passage.tokens for passage in passages], self.tokens)


@dataclass(frozen=True, slots=True)
class ImportantOnly:
    """Show, of the last `among` turns, tool calls with results, system turns and turns with `{"pinned": True}`."""

    among: int = 200
    shows_summary = False

    def __post_init__(self) -> None:
        _validate_number("among", self.among, 1, MAX_TURNS_READ)

    @property
    def turns_read(self) -> int:
        return self.among

    def chosen(self, passages: Sequence[Passage]) -> list[Passage]:
        return [passage for passage in passages if _is_important(passage)]


def _is_important(passage: Passage) -> bool:
    first = passage.turns[0]
    return passage.has_tool_results or first.role in ("system", "developer") or first.metadata.get("pinned") is True


def _last_within(passages: Sequence[Passage], sizes: Sequence[int], limit: int) -> list[Passage]:
    """Return the last passages whose sizes, added together, are within the limit."""
    first = len(passages)
    while first and sizes[first - 1] <= limit:
        first -= 1
        limit -= sizes[first]
    return list(passages[first:])


def _validate_number(name: str, number: object, minimum: int, maximum: int | None) -> None:
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number or number < minimum or (maximum is not None and number > maximum):  # type: ignore[operator]
        bounds = f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"
        raise InvalidInput(f"{name} must be {bounds}, not {number!r}")
