"""The API with a scripted model that answers for agents and extracts facts, on real servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import httpx
import pytest
import redis

from afterturn.settings import Settings
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from tests.integration.chat.conftest import serving

Event: TypeAlias = tuple[str, dict[str, Any]]

ANSWER = "Nice to meet you."


def script(request: Mapping[str, Any]) -> str | dict[str, Any] | None:
    """Answer for an agent, or extract what users say of themselves."""
    if request.get("stream"):
        return ANSWER
    if not prompt.shown_turns(request):
        return None
    said = [turn for turn in prompt.shown_turns(request) if turn.content.startswith("I ")]
    facts = [
        answers.fact(f"Somebody said: {turn.content}", [(turn.number, turn.content)], topics=["self"]) for turn in said
    ]
    return {"facts": facts, "episode": None}


@pytest.fixture
def model() -> Iterator[LLMServer]:
    with LLMServer(answer=script) as server:
        yield server


@pytest.fixture
def model_settings(settings: Settings, model: LLMServer) -> Settings:
    """The settings of the run's servers, with the scripted model."""
    given = settings.model_dump(exclude_unset=True)
    return type(settings)(**given | {"llm_base_url": model.base_url, "llm_model": "scripted"})


@pytest.fixture
def pipeline(model_settings: Settings, hot_store: redis.Redis) -> Iterator[Pipeline]:
    """All stages in this process, run by hand, with the scripted model."""
    with Pipeline(model_settings) as opened:
        yield opened


@pytest.fixture
def http(model_settings: Settings, hot_store: redis.Redis) -> Iterator[httpx.Client]:
    with serving(model_settings) as base_url, httpx.Client(base_url=base_url.removesuffix("/v1"), timeout=60) as client:
        yield client


@pytest.fixture
def run(http: httpx.Client) -> Callable[..., httpx.Response]:
    """A function that runs an agent for a user."""

    def send(message: str, user_id: str = "ana", session_id: str = "s", **fields: Any) -> httpx.Response:
        body = {"message": message, "user_id": user_id, "session_id": session_id} | fields
        return http.post("/v1/agents/concierge/run", json=body)

    return send


def prompts(model: LLMServer) -> list[list[dict[str, Any]]]:
    """Return the messages of each call for an agent's answer."""
    return [asked.json["messages"] for asked in model.requests if asked.json and asked.json.get("stream")]


def read_events(text: str) -> list[Event]:
    """Return name and data of the events of a stream."""
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found
