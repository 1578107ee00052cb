"""Context providers: sources of facts that are not in the memory, such as the time, the place or a calendar."""

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
    """Provides lines for the prompt. With the asyncio client `lines` may be a coroutine function."""

    @property
    def name(self) -> str:
        """The label of its lines in the prompt, such as calendar."""
        ...

    @property
    def share(self) -> float:
        """Its fraction of the budget, 0 to 1. Relevant memories get the tokens that it does not use."""
        ...

    def lines(self) -> Sequence[str] | Awaitable[Sequence[str]]:
        """Return the lines to show now, the most important first, each without a line break."""
        ...


@dataclass(frozen=True)
class ClockProvider:
    """Provides the date and time, to the minute, in the user's timezone."""

    #: A timezone name of the IANA database, such as Europe/Lisbon.
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


def validate_providers(providers: Sequence[ContextProvider]) -> tuple[ContextProvider, ...]:
    """Return the providers if each has a name, a share and lines, and their shares are less than 1 together.

    Raises InvalidInput, which names the provider.
    """
    for provider in providers:
        name = ids.validate_id("the name of a context provider", getattr(provider, "name", None))
        budget.validate_share(f"the share of {name}", getattr(provider, "share", None))
        if not callable(getattr(provider, "lines", None)):
            raise InvalidInput(f"the context provider {name} has no method `lines`")
    budget.validate_provider_shares([provider.share for provider in providers])
    return tuple(providers)


def read_lines(provider: ContextProvider) -> list[str]:
    """Return a provider's lines. If it fails, write a warning to the log and return none."""
    try:
        lines = provider.lines()
        if inspect.iscoroutine(lines):
            lines.close()
            raise TypeError("a coroutine needs AsyncMemoryClient")
        return _validate_lines(lines)
    except Exception as error:
        _log_failure(provider, error)
        return []


async def read_lines_async(provider: ContextProvider) -> list[str]:
    """Return a provider's lines, whose `lines` may be a coroutine function. If it fails, log it and return none."""
    try:
        lines = provider.lines()
        return _validate_lines(await lines if inspect.isawaitable(lines) else lines)
    except Exception as error:
        _log_failure(provider, error)
        return []


def _validate_lines(lines: Any) -> list[str]:
    if isinstance(lines, str):
        raise TypeError("lines() must return a sequence of strings, not one string")
    texts = list(lines)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("lines() must return strings")
    return texts


def _log_failure(provider: ContextProvider, error: Exception) -> None:
    # Only the error's type: the message of another program's error may contain data of the user.
    logger.warning("the context provider %s is left out: it failed with %s", provider.name, type(error).__name__)
