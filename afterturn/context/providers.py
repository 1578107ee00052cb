"""Outside facts: what no memory holds, such as the time, the place or the calendar."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from afterturn import ids
from afterturn.context import budget
from afterturn.errors import InvalidInput

logger = logging.getLogger("afterturn.context")


class ContextProvider(Protocol):
    """Says what holds outside. With the asyncio client `lines` may be a coroutine function."""

    @property
    def name(self) -> str:
        """What its lines are called in the prompt, such as calendar."""
        ...

    @property
    def share(self) -> float:
        """The fraction of the budget that is kept for it, 0 to 1; what it leaves goes to what is relevant."""
        ...

    def lines(self) -> Sequence[str] | Awaitable[Sequence[str]]:
        """Return what holds now, the most important first, each without a line break."""
        ...


@dataclass(frozen=True)
class ClockProvider:
    """The time, to the minute, where the user is."""

    #: A name of the IANA database, such as Europe/Lisbon.
    timezone: str = "UTC"
    name: str = "clock"
    share: float = 0.02
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        _ = self._zone

    def lines(self) -> list[str]:
        return [f"{self.now().astimezone(self._zone):%A, %Y-%m-%d %H:%M} ({self.timezone})"]

    @cached_property
    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
            raise InvalidInput(f"timezone must be a name such as Europe/Lisbon, not {self.timezone!r}") from None


def checked(providers: Sequence[ContextProvider]) -> tuple[ContextProvider, ...]:
    """Return the providers when each has a name and a share, and together they leave room. Raises InvalidInput."""
    for provider in providers:
        name = ids.validate_id("the name of a context provider", getattr(provider, "name", None))
        budget.checked_share(f"the share of {name}", getattr(provider, "share", None))
        if not callable(getattr(provider, "lines", None)):
            raise InvalidInput(f"the context provider {name} has no method `lines`")
    budget.checked_outside([provider.share for provider in providers])
    return tuple(providers)


def ask(provider: ContextProvider) -> list[str]:
    """Return what a provider says; nothing, and a line in the log, where it fails."""
    try:
        said = provider.lines()
        if inspect.iscoroutine(said):
            said.close()
            raise TypeError("a coroutine needs AsyncMemoryClient")
        return _texts(said)
    except Exception as error:
        return _nothing(provider, error)


async def ask_async(provider: ContextProvider) -> list[str]:
    """The same for asyncio; `lines` may be a coroutine function."""
    try:
        said = provider.lines()
        return _texts(await said if inspect.isawaitable(said) else said)
    except Exception as error:
        return _nothing(provider, error)


def _texts(said: Any) -> list[str]:
    if isinstance(said, str):
        raise TypeError("lines() must return a sequence of strings, not one string")
    texts = list(said)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("lines() must return strings")
    return texts


def _nothing(provider: ContextProvider, error: Exception) -> list[str]:
    # The message of somebody else's error may hold what the provider knows of the user.
    logger.warning("the context provider %s is left out: it failed with %s", provider.name, type(error).__name__)
    return []
