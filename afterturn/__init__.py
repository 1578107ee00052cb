"""afterturn: long-term memory for LLM agents, formed in the background after each turn.

from afterturn import MemoryClient

memory = MemoryClient(user_id="ana", session_id="chat-1", agent_id="concierge")
memory.write("user", "I moved to Lisbon last week.")
for found in memory.recall("Where does Ana live?"):
    print(found.text, found.evidence)

Each name is imported when it is first used (PEP 562): every module in here runs this one first, and a worker or a
client that only writes does not need them all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from afterturn.client.async_memory_client import AsyncMemoryClient
    from afterturn.client.connections import close_async_connections, close_connections
    from afterturn.client.memory_client import MemoryClient
    from afterturn.context.budget import Shares
    from afterturn.context.context import Context, Part
    from afterturn.context.messages import Passage
    from afterturn.context.providers import ClockProvider, ContextProvider
    from afterturn.context.strategies import History, ImportantOnly, LastTokens, LastTurns, SummaryAndRecent
    from afterturn.errors import (
        AfterturnError,
        ConcurrencyError,
        FlushTimeout,
        InvalidId,
        InvalidInput,
        LockBusy,
        MemoryUnavailable,
        PendingLimitReached,
        SettingsError,
        StaleFence,
        TurnIdUsed,
        TurnTooLarge,
    )
    from afterturn.facts.fact import Contradiction, Fact
    from afterturn.llm.costs import Costs
    from afterturn.memories import Episode, Evidence, Memory, Session
    from afterturn.settings import Settings
    from afterturn.state.documents import StateEntry, Versioned
    from afterturn.state.steps import Step
    from afterturn.summaries.summary import Summary, SummaryStatement
    from afterturn.threads.thread import Thread, ThreadStep
    from afterturn.turns import Turn

__version__ = "0.2.0"

__all__ = [
    "AfterturnError",
    "AsyncMemoryClient",
    "ClockProvider",
    "ConcurrencyError",
    "Context",
    "ContextProvider",
    "Contradiction",
    "Costs",
    "Episode",
    "Evidence",
    "Fact",
    "FlushTimeout",
    "History",
    "ImportantOnly",
    "InvalidId",
    "InvalidInput",
    "LastTokens",
    "LastTurns",
    "LockBusy",
    "Memory",
    "MemoryClient",
    "MemoryUnavailable",
    "Part",
    "Passage",
    "PendingLimitReached",
    "Session",
    "Settings",
    "SettingsError",
    "Shares",
    "StaleFence",
    "StateEntry",
    "Step",
    "Summary",
    "SummaryAndRecent",
    "SummaryStatement",
    "Thread",
    "ThreadStep",
    "Turn",
    "TurnIdUsed",
    "TurnTooLarge",
    "Versioned",
    "close_async_connections",
    "close_connections",
]

#: Where each name is defined, below this package.
_MODULES = {
    "client.async_memory_client": ("AsyncMemoryClient",),
    "client.connections": ("close_async_connections", "close_connections"),
    "client.memory_client": ("MemoryClient",),
    "context.budget": ("Shares",),
    "context.context": ("Context", "Part"),
    "context.messages": ("Passage",),
    "context.providers": ("ClockProvider", "ContextProvider"),
    "context.strategies": ("History", "ImportantOnly", "LastTokens", "LastTurns", "SummaryAndRecent"),
    "errors": (
        "AfterturnError",
        "ConcurrencyError",
        "FlushTimeout",
        "InvalidId",
        "InvalidInput",
        "LockBusy",
        "MemoryUnavailable",
        "PendingLimitReached",
        "SettingsError",
        "StaleFence",
        "TurnIdUsed",
        "TurnTooLarge",
    ),
    "facts.fact": ("Contradiction", "Fact"),
    "llm.costs": ("Costs",),
    "memories": ("Episode", "Evidence", "Memory", "Session"),
    "settings": ("Settings",),
    "state.documents": ("StateEntry", "Versioned"),
    "state.steps": ("Step",),
    "summaries.summary": ("Summary", "SummaryStatement"),
    "threads.thread": ("Thread", "ThreadStep"),
    "turns": ("Turn",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
