"""The token budget of a context, and its division among the parts of the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

from afterturn.errors import InvalidInput

#: Larger than the context window of any model: a larger budget is a mistake of the caller.
LARGEST_BUDGET_TOKENS = 10_000_000


def validate_token_budget(token_budget: object) -> int:
    """Return the budget if it is an integer from 1 to 10,000,000. Raises InvalidInput."""
    is_number = isinstance(token_budget, int) and not isinstance(token_budget, bool)
    if not is_number or not 1 <= token_budget <= LARGEST_BUDGET_TOKENS:  # type: ignore[operator]
        raise InvalidInput(f"token_budget must be 1 to {LARGEST_BUDGET_TOKENS}, not {token_budget!r}")
    return token_budget  # type: ignore[return-value]


def validate_share(name: str, share: object) -> float:
    """Return the share if it is a fraction from 0 to 1. Raises InvalidInput, which names it."""
    is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not is_number or not math.isfinite(share) or not 0 <= share <= 1:  # type: ignore[arg-type, operator]
        raise InvalidInput(f"{name} must be a fraction, 0 to 1, not {share!r}")
    return float(share)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """The fraction of the budget of each part, in the order in which the parts are filled. Their sum is at most 1.

    Tokens that a part does not use go to the parts after it, and finally to older recent turns. Pinned facts and the
    profile are must-haves: they also take tokens from the parts after them, but not from each other or from the
    recent turns.
    """

    pinned: float = 0.15
    profile: float = 0.1
    summary: float = 0.1
    #: Facts, episodes and turns that answer the question. It also gets what the parts before it did not use.
    relevant: float = 0.3
    recent: float = 0.35

    def __post_init__(self) -> None:
        for field in fields(self):
            validate_share(f"the share {field.name}", getattr(self, field.name))
        if sum(_decimal_value(getattr(self, field.name)) for field in fields(self)) > 1:
            raise InvalidInput("the shares must be 1 at the most, together")


def validate_provider_shares(shares: Sequence[float]) -> float:
    """Return the sum of the context providers' shares if it is less than 1. Raises InvalidInput."""
    total = sum(map(_decimal_value, shares))
    if total >= 1:
        raise InvalidInput("the shares of the context providers must be less than 1, together")
    return float(total)


def _decimal_value(share: float) -> Fraction:
    """Return the decimal number that was written, so that 0.7 + 0.2 + 0.1 is exactly 1."""
    return Fraction(str(share))


class TokenBudget:
    """Counts the tokens that are left while the parts of a context are filled."""

    def __init__(self, tokens: int) -> None:
        self._total_tokens = tokens
        self.left_tokens = tokens
        #: Tokens of filled parts' shares that these parts did not use.
        self._unused_tokens = 0

    def share_tokens(self, share: float) -> int:
        """Return a share of the budget in tokens."""
        return int(self._total_tokens * share)

    def allowance(self, share: float, *, reserved_tokens: int) -> int:
        """Return the tokens that the next part may take: its share and the unused tokens, without the reserved ones."""
        return max(0, min(self.share_tokens(share) + self._unused_tokens, self.left_tokens - reserved_tokens))

    def spend(self, tokens: int, share: float) -> None:
        """Subtract the tokens that a part with this share took."""
        self.left_tokens -= tokens
        self._unused_tokens = max(0, self.share_tokens(share) + self._unused_tokens - tokens)
