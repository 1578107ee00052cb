"""What a run of the SDK says about the user, and which memories its instructions contained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

from agents import RunContextWrapper

from afterturn.errors import InvalidInput

Wrapper: TypeAlias = RunContextWrapper[Any]

#: Ids of the memories in the instructions of a run. The turns of its answers name them, so that facts that the model
#: only repeats are not learnt again.
_shown: WeakKeyDictionary[Wrapper, tuple[str, ...]] = WeakKeyDictionary()


def user_of(wrapper: Wrapper | None) -> str | None:
    """Return `user_id` of the run's context, an attribute or a key, or None.

    Raises InvalidInput if it is there and is no text: such a run must not get the memory of somebody else.
    """
    context = None if wrapper is None else wrapper.context
    user_id = context.get("user_id") if isinstance(context, Mapping) else getattr(context, "user_id", None)
    if user_id is not None and not isinstance(user_id, str):
        raise InvalidInput(f"user_id of the run's context must be a string, not {type(user_id).__name__}")
    return user_id


def note_shown(wrapper: Wrapper, memory_ids: Sequence[str]) -> None:
    """Note the memories in the instructions of a run."""
    _shown[wrapper] = tuple(dict.fromkeys((*_shown.get(wrapper, ()), *memory_ids)))


def shown_in(wrapper: Wrapper | None) -> tuple[str, ...]:
    """Return the ids of the memories in the instructions of a run."""
    return () if wrapper is None else _shown.get(wrapper, ())
