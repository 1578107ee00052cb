"""The request and the result of `context()`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from afterturn import tokens
from afterturn.context import budget, providers
from afterturn.context.budget import Shares
from afterturn.context.counting import Message, TokenCounter
from afterturn.context.providers import ContextProvider
from afterturn.context.strategies import MAX_TURNS_READ, History, SummaryAndRecent
from afterturn.errors import InvalidInput

#: One memory is recalled for so many tokens of the budget. More: budgets are not used. Fewer: reading takes time.
_TOKENS_PER_MEMORY = 30
_LEAST_RECALLED, _MOST_RECALLED = 40, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRequest:
    """The arguments of `context()`. Raises InvalidInput when one is invalid."""

    token_budget: int
    shares: Shares = field(default_factory=Shares)
    history: History = field(default_factory=SummaryAndRecent)
    providers: Sequence[ContextProvider] = ()
    #: Counts the tokens of a text.
    count_tokens: TokenCounter = tokens.estimate
    #: Role of the message with the memory. Some models use developer instead of system.
    role: Literal["system", "developer"] = "system"

    @property
    def memories_recalled(self) -> int:
        """Number of memories that are recalled for a question."""
        return min(_MOST_RECALLED, max(_LEAST_RECALLED, self.token_budget // _TOKENS_PER_MEMORY))

    def __post_init__(self) -> None:
        budget.validate_token_budget(self.token_budget)
        providers.validate_providers(self.providers)
        if not isinstance(self.shares, Shares):
            raise InvalidInput(f"shares must be Shares, not {type(self.shares).__name__}")
        if self.role not in ("system", "developer"):
            raise InvalidInput(f"role must be system or developer, not {self.role!r}")
        if not callable(self.count_tokens):
            raise InvalidInput("count_tokens must be a function from a text to its number of tokens")
        turns_read = getattr(self.history, "turns_read", None)
        if not isinstance(turns_read, int) or not 1 <= turns_read <= MAX_TURNS_READ:
            raise InvalidInput(f"history must be a strategy that reads 1 to {MAX_TURNS_READ} turns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one part of a context contains."""

    #: pinned, profile, summary, relevant, outside (lines of context providers) or recent.
    name: str
    #: The sum of its lines' tokens, without headings and marks.
    tokens: int
    #: Number of lines, or of turns.
    shown: int
    #: Number of further lines or turns for which the budget had no room.
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Messages for a prompt, and the memories that they contain."""

    #: In the form of OpenAI's chat API: one message with the memory, if there is any, then the session's turns.
    messages: list[Message]
    #: Tokens of all messages, counted by `count_tokens`; never more than the budget.
    tokens: int
    #: The memories in it, for `memories_shown` of the assistant's next turn: facts that it repeats are then not
    #: extracted again.
    memory_ids: tuple[str, ...]
    #: The short id in each line, and the memory's full id.
    labels: Mapping[str, str]
    parts: tuple[Part, ...]
