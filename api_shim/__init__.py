"""The door: what agent code touches.

from api_shim import MemoryClient

memory = MemoryClient(user_id="ana", session_id="chat-1", agent_id="concierge")
memory.write("user", "I moved to Lisbon last week.")
for found in memory.recall("Where does Ana live?"):
    print(found.text, found.evidence)
"""

from afterturn.context.budget import Shares
from afterturn.context.context import Context
from afterturn.context.providers import ClockProvider, ContextProvider
from afterturn.context.strategies import ImportantOnly, LastTokens, LastTurns, SummaryAndRecent
from afterturn.errors import (
    AfterturnError,
    FlushTimeout,
    InvalidId,
    InvalidInput,
    MemoryUnavailable,
    PendingLimitReached,
    SettingsError,
    TurnTooLarge,
)
from afterturn.facts.fact import Fact
from afterturn.memories import Evidence, Memory
from afterturn.settings import Settings
from afterturn.summaries.summary import Summary, SummaryStatement
from afterturn.turns import Turn
from api_shim.async_client import AsyncMemoryClient
from api_shim.client import MemoryClient
from api_shim.connections import close_async_connections, close_connections

__all__ = [
    "AfterturnError",
    "AsyncMemoryClient",
    "ClockProvider",
    "Context",
    "ContextProvider",
    "Evidence",
    "Fact",
    "FlushTimeout",
    "ImportantOnly",
    "InvalidId",
    "InvalidInput",
    "LastTokens",
    "LastTurns",
    "Memory",
    "MemoryClient",
    "MemoryUnavailable",
    "PendingLimitReached",
    "Settings",
    "SettingsError",
    "Shares",
    "Summary",
    "SummaryAndRecent",
    "SummaryStatement",
    "Turn",
    "TurnTooLarge",
    "close_async_connections",
    "close_connections",
]
