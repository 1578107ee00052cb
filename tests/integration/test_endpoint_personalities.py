"""Kinds of endpoints as their users report them: all prompts and the embedder work on each, and what was learned stays.

The table is harness/llm_server/personalities.py; docs/how-to/endpoints.md shows it to users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from afterturn.consolidation import judgement
from afterturn.consolidation.judge import Judge
from afterturn.embedding.endpoint import EndpointEmbedder
from afterturn.extraction import answer
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.prompted import PromptedExtractor
from afterturn.llm.client import LLM
from afterturn.summaries.prompted import PromptedSummarizer
from afterturn.turns import Turn
from harness.llm_server import LLMServer, replies
from harness.llm_server.personalities import PERSONALITIES
from harness.llm_server.personality import Personality
from tests.unit.summaries.examples import statement

SAID = ("I live in Lisbon.", "I own a boat.", "My sister is called Eva.")
REQUEST = ExtractionRequest(
    turns=[
        Turn(turn_id=str(n), role="user", content=text, occurred_at=datetime(2024, 5, n, tzinfo=UTC))
        for n, text in enumerate(SAID, start=1)
    ]
)
PAIRS = {"pairs": [{"first": "N1", "second": "K1", "verdict": "replaces"}]}
SOURCES = (statement("Ana moved.", 1), statement("Ana left.", 2))
TEXTS = [f"text number {number}" for number in range(150)]


@pytest.fixture(params=PERSONALITIES, ids=lambda personality: personality.name)
def personality(request: pytest.FixtureRequest) -> Personality:
    return request.param


@pytest.fixture
def server(personality: Personality) -> Iterator[LLMServer]:
    with LLMServer(personality=personality) as server:
        yield server


@pytest.fixture
def worker(server: LLMServer, hot_store: redis.Redis) -> Iterator[Callable[[], LLM]]:
    """Return the LLM of another worker, which shares Redis with the others."""
    opened: list[LLM] = []

    def open_llm() -> LLM:
        opened.append(LLM(model="m-1", base_url=server.base_url, api_key="key", timeout_seconds=10, client=hot_store))
        return opened[-1]

    yield open_llm
    for llm in opened:
        llm.close()


def test_all_prompts_are_answered(server: LLMServer, worker: Callable[[], LLM]):
    raw = PromptedExtractor(worker()).extract(REQUEST)
    assert [fact.evidence[0].quote for fact in answer.parse(raw.text).facts] == list(SAID)
    first_calls = len(server.calls("extract"))
    assert first_calls <= 9

    server.queue(PAIRS, on="judge")
    judged = Judge(worker()).ask("Known:\nK1 (2024-05-01): Ana sings.\n\nNew:\nN1: Ana lost her voice.")
    assert judgement.parse_judgement(judged.text).pairs[0].relation == "replaces"

    digest = PromptedSummarizer(worker()).summarize(SOURCES)
    assert {item.text for item in digest.statements} == {"Ana moved.", "Ana left."}

    assert len(PromptedExtractor(worker()).extract(REQUEST).text) > 100
    # What the first worker learned, the others use: each makes one call.
    assert (len(server.calls("judge")), len(server.calls("summarize"))) == (1, 1)
    assert len(server.calls("extract")) == first_calls + 1


def test_many_texts_become_vectors(server: LLMServer, hot_store: redis.Redis):
    vectors = []
    for _ in range(2):
        server.forget()
        embedder = EndpointEmbedder(model="m-1", base_url=server.base_url, api_key="key", client=hot_store)
        vectors = embedder.embed(TEXTS)
        embedder.close()

    for vector, expected in zip(vectors, replies.embed(TEXTS), strict=True):
        assert vector == pytest.approx(expected, abs=1e-6)
    # The second worker is refused nothing.
    sizes = [len(call.json["input"]) for call in server.calls("embeddings")]
    assert sum(sizes) == len(TEXTS)


def test_the_page_lists_what_is_tested():
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "endpoints.md").read_text()
    rows = page.partition("| kind | what is different |")[2].splitlines()[2:]
    listed = [row.split("|")[1].strip() for row in rows if row.startswith("|")]
    assert listed == [personality.name for personality in PERSONALITIES]
    assert len(listed) >= 25
