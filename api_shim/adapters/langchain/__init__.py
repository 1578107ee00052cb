"""LangChain: a middleware of agents that recalls before the model and writes after it."""

from __future__ import annotations

from afterturn import extras

extras.require("langgraph", "the LangChain middleware")

from api_shim.adapters.langchain.middleware import AfterturnMiddleware  # noqa: E402

__all__ = ["AfterturnMiddleware"]
