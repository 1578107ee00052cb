"""The doors: the HTTP API and the command line. `from api_shim import MemoryClient` is `from afterturn import …`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import afterturn

if TYPE_CHECKING:
    from afterturn import *  # noqa: F403

__all__ = []
__all__ += afterturn.__all__


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(afterturn, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
