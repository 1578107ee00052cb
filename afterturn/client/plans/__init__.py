"""The plans of the client's calls: which reads and writes each call needs. Without I/O, one module per topic.

A module is imported on first use, so that a client that only writes does not load numpy, which recall needs.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afterturn.client.plans import (
        checkpoints,
        context,
        costs,
        documents,
        edits,
        episodes,
        facts,
        facts_block,
        flush,
        history,
        items,
        locks,
        memory_block,
        preferences,
        recall,
        removal,
        sessions,
        state,
        summaries,
        threads,
        turn_writes,
    )

__all__ = [
    "checkpoints",
    "context",
    "costs",
    "documents",
    "edits",
    "episodes",
    "facts",
    "facts_block",
    "flush",
    "history",
    "items",
    "locks",
    "memory_block",
    "preferences",
    "recall",
    "removal",
    "sessions",
    "state",
    "summaries",
    "threads",
    "turn_writes",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def import_all() -> None:
    """Import all plans. A server calls this before its first request, so that no request waits for the imports."""
    for name in __all__:
        __getattr__(name)
