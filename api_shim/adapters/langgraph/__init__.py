"""LangGraph: a store (`BaseStore`) whose items are documents of the memory."""

from __future__ import annotations

from afterturn import extras

extras.require("langgraph", "the LangGraph store")

from api_shim.adapters.langgraph.run_user import user_of_run  # noqa: E402
from api_shim.adapters.langgraph.store import AfterturnStore  # noqa: E402

__all__ = ["AfterturnStore", "user_of_run"]
