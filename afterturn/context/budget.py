"""The budget: how many tokens a context may take, and which part of it gets how much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction

from afterturn.errors import InvalidInput

#: Larger than any model's window. A budget beyond it is a mistake, not a wish.
LARGEST_BUDGET = 10_000_000


def checked_budget(token_budget: object) -> int:
    """Return the budget when it is 1 to 10,000,000. Raises InvalidInput."""
    is_number = isinstance(token_budget, int) and not isinstance(token_budget, bool)
    if not is_number or not 1 <= token_budget <= LARGEST_BUDGET:  # type: ignore[operator]
        raise InvalidInput(f"token_budget must be 1 to {LARGEST_BUDGET}, not {token_budget!r}")
    return token_budget  # type: ignore[return-value]


def checked_share(name: str, share: object) -> float:
    """Return the share when it is a fraction, 0 to 1. Raises InvalidInput, naming it."""
    is_number = isinstance(share, (int, float)) and not isinstance(share, bool)
    if not is_number or not math.isfinite(share) or not 0 <= share <= 1:  # type: ignore[arg-type, operator]
        raise InvalidInput(f"{name} must be a fraction, 0 to 1, not {share!r}")
    return float(share)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What each part may take of the budget, in the order in which they are served. Together 1 at the most.

    What a part leaves unused goes to those after it, and to further recent turns in the end. Pinned facts and the
    profile are must-haves: they also take from the parts after them, but never from each other or the recent turns.
    """

    pinned: float = 0.15
    profile: float = 0.15
    summary: float = 0.1
    #: What answers the question: facts, episodes and turns. It gets what the others left, too.
    relevant: float = 0.25
    recent: float = 0.35

    def __post_init__(self) -> None:
        for field in fields(self):
            checked_share(f"the share {field.name}", getattr(self, field.name))
        if sum(_exact(getattr(self, field.name)) for field in fields(self)) > 1:
            raise InvalidInput("the shares must be 1 at the most, together")


def checked_outside(shares: Sequence[float]) -> float:
    """Return what context providers take together, when it leaves the memory anything. Raises InvalidInput."""
    together = sum(map(_exact, shares))
    if together >= 1:
        raise InvalidInput("the shares of the context providers must be less than 1, together")
    return float(together)


def _exact(share: float) -> Fraction:
    """The decimal that was written: 0.7 + 0.2 + 0.1 are 1, and not a little more."""
    return Fraction(str(share))


class Ledger:
    """What is left of the budget while its parts are served, and what the served ones left unused of their shares."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self.left = tokens
        self._unused = 0

    def of(self, share: float) -> int:
        """Return a share in tokens."""
        return int(self._tokens * share)

    def allowance(self, share: float, *, kept_back: int) -> int:
        """Return what the next part may take: its share and what is unused, unless it is kept back for others."""
        return max(0, min(self.of(share) + self._unused, self.left - kept_back))

    def spend(self, tokens: int, share: float) -> None:
        """Book what a part of this share took."""
        self.left -= tokens
        self._unused = max(0, self.of(share) + self._unused - tokens)
