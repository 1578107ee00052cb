"""The user and the thread of a run, from its context or its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.config import get_config
from langgraph.runtime import get_runtime

from afterturn.errors import InvalidInput

#: The names under which a run gives its user.
_USER_FIELDS = ("user_id", "langgraph_auth_user_id")


def user_of_run() -> str:
    """Return the user of the current run, for `AfterturnStore(user_id=user_of_run)`.

    It is `user_id` of the run's context, then of `configurable` in its configuration, then the user whom the LangGraph
    server authenticated. Raises InvalidInput outside of a run, and if the run names no user.
    """
    found = find_user()
    if found is None:
        raise InvalidInput(
            'no user: call the graph with context={"user_id": …} or config={"configurable": {"user_id": …}}, or give '
            "the store a user_id"
        )
    return found


def find_user(context: object = None) -> str | None:
    """Return the user of the current run; None if it names none.

    `context` is the run's context, where the caller has it already.
    """
    runtime_context, server_user = context, None
    try:
        runtime = get_runtime()
    except RuntimeError:
        pass
    else:
        runtime_context = runtime.context if context is None else context
        server_user = getattr(getattr(runtime.server_info, "user", None), "identity", None)
    configurable = _configurable()
    candidates = [_field(runtime_context, "user_id"), *(configurable.get(name) for name in _USER_FIELDS), server_user]
    return next((str(each) for each in candidates if each not in (None, "")), None)


def find_thread() -> str | None:
    """Return the thread of the current run; None if it has none."""
    thread = _configurable().get("thread_id")
    return None if thread in (None, "") else str(thread)


def _configurable() -> Mapping[str, Any]:
    try:
        return get_config().get("configurable") or {}
    except RuntimeError:  # outside of a run
        return {}


def _field(context: object, name: str) -> object:
    return context.get(name) if isinstance(context, Mapping) else getattr(context, name, None)
