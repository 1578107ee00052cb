"""Sessions of the Agents SDK on the run's servers, a scripted model, and the places where a turn can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import redis

from afterturn.hot import keys
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from api_shim.adapters.openai_agents import AfterturnSession
from harness.pipeline import Pipeline

SCOPE = SessionScope("default", "ana", "chat")


def run(call: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(call)


def message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


@pytest.fixture
def make_session(settings: Settings, hot_store: redis.Redis) -> Callable[..., AfterturnSession]:
    def make(session_id: str = "chat", **options: Any) -> AfterturnSession:
        return AfterturnSession(session_id, **{"user_id": "ana", "settings": settings} | options)

    return make


@pytest.fixture
def session(make_session: Callable[..., AfterturnSession]) -> AfterturnSession:
    return make_session()


@pytest.fixture(params=["pending", "archived", "only in Postgres"])
def move(request: pytest.FixtureRequest, pipeline: Pipeline, hot_store: redis.Redis) -> Callable[[], None]:
    """A function that moves what was written to where this test wants it."""

    def go() -> None:
        if request.param != "pending":
            pipeline.settle()
        if request.param == "only in Postgres":
            hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))

    return go
