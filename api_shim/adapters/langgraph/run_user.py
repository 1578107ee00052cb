"""The user of a run, as the owner of items."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import get_runtime

from afterturn.errors import InvalidInput
from api_shim.adapters import langgraph_run


def user_of_run() -> str:
    """Return the user of the current run, for `AfterturnStore(user_id=user_of_run)`.

    It is `user_id` of the run's context, then of `configurable` in its configuration, then the user whom the LangGraph
    server authenticated. Raises InvalidInput outside of a run, and if the run names no user.
    """
    found = langgraph_run.find_user(_runtime())
    if found is None:
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
