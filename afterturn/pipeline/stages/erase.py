"""Erase: complete a user's erasure. `afterturn forget` does this itself, unless its process dies."""

from __future__ import annotations

from afterturn.forgetting import erasures
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


def erase(runtime: Runtime, scope: UserScope) -> bool:
    """Carry out one user's erasure. Returns whether it was carried out; False if there is nothing to do."""
    return erasures.run_erasure(runtime, scope)
