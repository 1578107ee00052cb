"""The plans: what each call of a client reads and writes, step by step, without I/O. One module per topic.

A module is imported when it is first used: recall needs numpy, a client that only writes does not.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from afterturn.client.plans import (
        context,
        costs,
        edits,
        facts,
        flush,
        history,
        preferences,
        recall,
        removal,
        summaries,
    )

__all__ = [
    "context",
    "costs",
    "edits",
    "facts",
    "flush",
    "history",
    "preferences",
    "recall",
    "removal",
    "summaries",
]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")


def import_all() -> None:
    """Import all plans now. A server does so before its first request, so that none waits for it."""
    for name in __all__:
        __getattr__(name)
