"""What the pipeline needs is away: nothing is lost, no attempt is used up, and the backlog drains by itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from harness.chaos import outages, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane, database


@pytest.fixture(scope="module")
def embedding_lane(
    redis_server: RedisServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lane]:
    """A lane whose database embeds by the test server."""
    url = database(postgres_server.url, "embedding_lane")
    directory = tmp_path_factory.mktemp("embedding-lane")
    with Lane(redis_server.url, url, directory, **outages.EMBEDDER_SETTINGS) as lane:
        yield lane


@pytest.fixture(scope="module")
def embedded(embedding_lane: Lane) -> Image:
    return trial.uninterrupted(embedding_lane)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", outages.KINDS)
def test_the_llm_is_away(lane: Lane, expected: Image, kind: str) -> None:
    outcome = outages.llm_away(lane, expected, kind)
    # The image holds each batch's attempts: none was used up.
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 30, outcome


@pytest.mark.chaos
@pytest.mark.parametrize("kind", outages.GARBAGE)
def test_the_llm_gives_nobody_a_usable_answer(lane: Lane, expected: Image, kind: str) -> None:
    outcome = outages.llm_garbage(lane, expected, kind)
    # The image holds each batch's state and attempts: none is dead, none was used up.
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 30, outcome


@pytest.mark.chaos
@pytest.mark.parametrize("kind", outages.EMBEDDER_GARBAGE)
def test_the_embedder_refuses_everybody(embedding_lane: Lane, embedded: Image, kind: str) -> None:
    outcome = outages.embedder_garbage(embedding_lane, embedded, kind)
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 30, outcome


@pytest.mark.chaos
@pytest.mark.parametrize("kind", outages.KINDS)
def test_the_embedder_is_away(embedding_lane: Lane, embedded: Image, kind: str) -> None:
    outcome = outages.embedder_away(embedding_lane, embedded, kind)
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 30, outcome
