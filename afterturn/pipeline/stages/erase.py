"""Erase: a user's erasure that nobody finished is carried out. `afterturn forget` does it by itself, unless it dies."""

from __future__ import annotations

from afterturn.forgetting import erasures
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


def erase(runtime: Runtime, scope: UserScope) -> bool:
    """Carry out one user's erasure. Returns whether it did; False when there was nothing to do."""
    return erasures.carry_out(runtime, scope)
