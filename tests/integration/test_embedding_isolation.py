"""One text that the embedder cannot read does not keep the others from their vectors, nor the batch from its facts."""

from __future__ import annotations

import json

import pytest

from afterturn.batches import claims
from afterturn.embedding import isolation
from afterturn.embedding.isolation import PROBE_TEXT, Refusal
from afterturn.errors import ModelRefused, ModelUnavailable
from api_shim import MemoryClient
from harness.chaos import conversation
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

POISON = "I own a xylophone."

#: fault of the endpoint -> its options, whether the text waits for another attempt
FAULTS = {
    "a 500": ("status", {"status": 500}, True),
    "a 400": ("status", {"status": 400}, False),
    "NaN": ("nan", {}, False),
    "no vector": ("no_vector", {}, True),
    "another dimension": ("other_dimension", {}, False),
}


@pytest.fixture
def llm():
    server = LLMServer(answer=conversation.answer)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def embedded(settings, llm, hot_store, database):
    """A pipeline whose one space is the endpoint's."""
    given = settings.model_dump(exclude_unset=True) | {"llm_base_url": llm.base_url, "attempts": 3}
    given |= {"embedder": "openai", "embedding_model": "test-model", "judge": "rules", "retry_seconds": 0.05}
    database.execute("UPDATE embedding_spaces SET state = 'retired'")
    database.execute(
        "INSERT INTO embedding_spaces (provider, model, dimension, state) "
        "VALUES ('openai', 'test-model', 256, 'serving')"
    )
    with Pipeline(type(settings)(**given)) as pipeline:
        yield pipeline
    database.execute("TRUNCATE missing_vectors, vectors")
    database.execute("DELETE FROM embedding_spaces WHERE provider = 'openai'")
    database.execute("UPDATE embedding_spaces SET state = 'serving'")


def _say(pipeline, *texts):
    memory = MemoryClient("ana", settings=pipeline.settings)
    memory.write_many({"role": "user", "content": text} for text in texts)
    memory.flush()
    pipeline.settle()
    return memory


@pytest.mark.parametrize("what", FAULTS)
def test_one_text_that_the_embedder_refuses_is_alone_without_a_vector(embedded, llm, database, what):
    fault, options, may_pass = FAULTS[what]
    llm.fail(fault, on="embeddings", containing="xylophone", **options)
    texts = [f"I own {number} boats." for number in range(8)]
    _say(embedded, *texts[:5], POISON, *texts[5:])
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (9,)
    assert database.execute("SELECT count(*) FROM vectors WHERE kind = 'fact'").fetchone() == (8,)
    rows = database.execute("SELECT kind, reason, retry_at IS NOT NULL FROM missing_vectors ORDER BY kind").fetchall()
    assert {kind for kind, _, _ in rows} >= {"fact", "turn"}
    assert all("xylophone" not in reason and waits == may_pass for _, reason, waits in rows)
    # The text is found by its words.
    assert any(
        "xylophone" in found.text for found in MemoryClient("ana", settings=embedded.settings).recall("xylophone")
    )


def test_a_text_that_waits_gets_its_vector_when_the_fault_has_passed(embedded, llm, database):
    llm.fail("status", status=500, on="embeddings", containing="xylophone")
    _say(embedded, "I own a boat.", POISON)
    missing = database.execute("SELECT count(*) FROM missing_vectors").fetchone()[0]
    llm.heal()
    assert embedded.sweep()["vectors"] == 0
    database.execute("UPDATE missing_vectors SET retry_at = now()")
    embedded.settle()
    assert missing and database.execute("SELECT count(*) FROM missing_vectors").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM vectors WHERE kind = 'fact'").fetchone() == (2,)


def test_a_text_that_fails_too_often_is_dead_listed_and_replayed(embedded, llm, database, command):
    llm.fail("status", status=500, on="embeddings", containing="xylophone")
    _say(embedded, "I own a boat.", POISON)
    for _ in range(3):
        database.execute("UPDATE missing_vectors SET retry_at = now() WHERE retry_at IS NOT NULL")
        embedded.settle()
    command.use(embedded.settings)
    listed = command.json("dead", "list")
    assert listed and {row["kind"] for row in listed} == {"vector"}
    assert "xylophone" not in json.dumps(listed)
    assert command.json("status")["dead"]["count"] == len(listed)
    assert command("dead", "discard", listed[0]["dead_id"]).out == "1 discarded\n"
    llm.heal()
    assert command("dead", "replay", *[row["dead_id"] for row in listed]).out == f"{len(listed)} replayed\n"
    embedded.settle()
    assert database.execute("SELECT count(*) FROM missing_vectors").fetchone() == (0,)
    assert command.json("dead", "list") == []


@pytest.mark.parametrize(
    ("status", "most_calls"),
    # A refusal without a cause: the simpler forms of the request are tried once.
    [(500, 2), (400, 12)],
)
def test_an_endpoint_that_fails_everybody_gets_few_calls_and_not_one_for_each_text(
    embedded, llm, database, status, most_calls, monkeypatch
):
    monkeypatch.setattr(claims, "MAX_PAUSE_SECONDS", 60.0)
    llm.fail("status", status=status, on="embeddings")
    memory = MemoryClient("ana", settings=embedded.settings)
    memory.write_many({"role": "user", "content": f"I own {number} boats."} for number in range(20))
    memory.flush()
    embedded.sweep()
    while embedded.hints.waiting:
        embedded.step()
    assert len(llm.calls("embeddings")) <= most_calls
    assert database.execute("SELECT count(*) FROM missing_vectors").fetchone() == (0,)
    assert database.execute("SELECT state FROM batches").fetchone() == ("extracted",)


class _Embedder:
    """Fails for texts, and remembers its calls."""

    provider, model, dimension = "test", "test", 2

    def __init__(self, refused, is_away=lambda calls: False):
        self.refused, self.is_away, self.calls = refused, is_away, []

    def embed(self, texts):
        self.calls.append(list(texts))
        if self.is_away(len(self.calls)):
            raise ModelUnavailable("away")
        if self.refused & set(texts):
            raise ModelRefused("no")
        return [[1.0, 0.0] for _ in texts]


@pytest.mark.parametrize("refused", [{0}, {63}, {0, 63}, {0, 1, 2, 3}, {5, 40, 41}, set(range(0, 64, 9))])
def test_however_many_texts_are_refused_the_others_are_embedded(refused):
    texts = [str(number) for number in range(64)]
    embedder = _Embedder({str(number) for number in refused})
    outcomes = isolation.embed_each(embedder, texts)
    assert {place for place, outcome in enumerate(outcomes) if isinstance(outcome, Refusal)} == refused
    assert len(embedder.calls) <= 2 + len(refused) * 3 * 6


def test_an_endpoint_that_goes_away_while_texts_are_isolated_is_not_taken_for_their_fault():
    embedder = _Embedder({"5"}, is_away=lambda calls: calls > 4)
    with pytest.raises((ModelUnavailable, ModelRefused)):
        isolation.embed_each(embedder, [str(number) for number in range(64)])
    assert len(embedder.calls) < 10
    assert embedder.calls[1] == [PROBE_TEXT]


def test_an_endpoint_that_asks_to_wait_is_not_asked_again():
    class Busy(_Embedder):
        def embed(self, texts):
            self.calls.append(list(texts))
            raise ModelUnavailable("busy", retry_after_seconds=20.0)

    embedder = Busy(set())
    with pytest.raises(ModelUnavailable):
        isolation.embed_each(embedder, ["one", "two"])
    assert embedder.calls == [["one", "two"]]
