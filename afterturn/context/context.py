"""A context: what is asked for, and what is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from afterturn import tokens
from afterturn.context import budget, providers
from afterturn.context.budget import Shares
from afterturn.context.counting import Counter, Message
from afterturn.context.providers import ContextProvider
from afterturn.context.strategies import MOST_TURNS, History, SummaryAndRecent
from afterturn.errors import InvalidInput

#: How many memories are recalled for a question. More are seldom of use, and cost the time of reading them.
MEMORIES_RECALLED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRequest:
    """What `context()` was asked for. Raises InvalidInput when a part does not have the required form."""

    token_budget: int
    shares: Shares = field(default_factory=Shares)
    history: History = field(default_factory=SummaryAndRecent)
    providers: Sequence[ContextProvider] = ()
    #: Counts the tokens of a text.
    count_tokens: Counter = tokens.estimate
    #: Whose message the memory is: some models know developer instead of system.
    role: Literal["system", "developer"] = "system"

    def __post_init__(self) -> None:
        budget.checked_budget(self.token_budget)
        providers.checked(self.providers)
        if not isinstance(self.shares, Shares):
            raise InvalidInput(f"shares must be Shares, not {type(self.shares).__name__}")
        if self.role not in ("system", "developer"):
            raise InvalidInput(f"role must be system or developer, not {self.role!r}")
        if not callable(self.count_tokens):
            raise InvalidInput("count_tokens must be a function from a text to its number of tokens")
        read = getattr(self.history, "turns_read", None)
        if not isinstance(read, int) or not 1 <= read <= MOST_TURNS:
            raise InvalidInput(f"history must be a strategy that reads 1 to {MOST_TURNS} turns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of a context took."""

    #: pinned, profile, summary, relevant, outside or recent.
    name: str
    #: Estimated line by line; what the fence itself takes is not in it.
    tokens: int
    #: Lines, or turns.
    shown: int
    #: How many there were besides, for which the budget had no room.
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Messages for a prompt, and what they are made of."""

    #: In the form of OpenAI's chat API: one with the memory, where there is any, then the session's turns.
    messages: list[Message]
    #: Of all messages, by the counter that was given; never more than the budget.
    tokens: int
    #: The memories in it, for `memories_shown` of the assistant's next turn: what it repeats is then not learnt again.
    memory_ids: tuple[str, ...]
    #: The ids as they stand in the lines, shortened, and whose they are.
    labels: Mapping[str, str]
    parts: tuple[Part, ...]
