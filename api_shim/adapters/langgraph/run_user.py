"""The user of a run, as the owner of items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.config import get_config
from langgraph.runtime import get_runtime

from afterturn.errors import InvalidInput


def user_of_run() -> str:
    """Return the user of the current run, for `AfterturnStore(user_id=user_of_run)`.

    It is `user_id` of the run's context, then of `configurable` in its configuration, then the user whom the LangGraph
    server authenticated. Raises InvalidInput outside of a run, and if the run names no user.
    """
    runtime = _runtime()
    context = getattr(runtime, "context", None)
    server_user = getattr(getattr(runtime, "server_info", None), "user", None)
    candidates = (
        context.get("user_id") if isinstance(context, Mapping) else getattr(context, "user_id", None),
        _configurable().get("user_id"),
        getattr(server_user, "identity", None),
    )
    found = next((each for each in candidates if each is not None), None)
    if not isinstance(found, str):
        raise InvalidInput(
            'no user: call the graph with context={"user_id": "…"} or config={"configurable": {"user_id": "…"}}, or '
            "give the store a user_id"
        )
    return found


def _runtime() -> Any:
    try:
        return get_runtime()
    except RuntimeError:  # outside of a run
        return None


def _configurable() -> Mapping[str, Any]:
    try:
        return get_config().get("configurable") or {}
    except RuntimeError:  # outside of a run
        return {}
