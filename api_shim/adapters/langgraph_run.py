"""The user and the thread of a run of LangGraph, from its context or its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.config import get_config

from afterturn.errors import InvalidInput


def find_user(runtime: Any) -> str | None:
    """Return `user_id` of the run's context, else of its configuration, else the LangGraph server's user, else None.

    Raises InvalidInput if it is there and is no text: such a run must not get the memory of somebody else.
    """
    context = getattr(runtime, "context", None)
    from_context = context.get("user_id") if isinstance(context, Mapping) else getattr(context, "user_id", None)
    configurable = _configurable()
    server_user = getattr(getattr(runtime, "server_info", None), "user", None)
    for found in (from_context, configurable.get("user_id"), getattr(server_user, "identity", None)):
        if found is not None:
            if not isinstance(found, str):
                raise InvalidInput(f"user_id of the run must be a string, not {type(found).__name__}")
            return found
    return None


def find_thread() -> str | None:
    """Return `thread_id` of the run's configuration; None if it has none."""
    thread = _configurable().get("thread_id")
    return None if thread is None or thread == "" else str(thread)


def _configurable() -> Mapping[str, Any]:
    try:
        return get_config().get("configurable") or {}
    except RuntimeError:  # outside of a run
        return {}
