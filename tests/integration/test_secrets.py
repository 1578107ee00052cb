"""Secrets that people say reach no model, no embedder, no fact, no summary and no log, by whichever door they come in.

The model echoes: each turn that it sees becomes a fact and part of an episode.
"""

import asyncio
import json

import httpx
import pytest

from afterturn.local.stack import Stack
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from api_shim.cli.processes import COMMANDS
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from tests import canary
from tests.integration.conftest import WORKERS

#: What is said, and the secret in it.
SAID = {
    "My password for the bank is Qa1Tulip!Pond. I live in Porto.": "Qa1Tulip!Pond",
    "DB_PASSWORD=qa2-lantern-field": "qa2-lantern-field",
    "my wifi password's qa3meadowlark": "qa3meadowlark",
    'curl -H "Authorization: Bearer qa4.x7Rk2mPd91Zt" https://api.example.com': "qa4.x7Rk2mPd91Zt",
    "The database is postgres://ana:qa5harbour@db.example.com/shop": "qa5harbour",
    "aws_secret_access_key = qa6lrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEYab": "qa6lrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEYab",
    "Mein Passwort lautet Qa7Buntspecht": "Qa7Buntspecht",
    "mi contrase\u00f1a del correo es qa8girasol": "qa8girasol",
    "\u6211\u7684\u5bc6\u7801\u662fqa9panda2018\u3002": "qa9panda2018",
    "\u041f\u0430\u0440\u043e\u043b\u044c \u043e\u0442 \u043f\u043e\u0447\u0442\u044b: qa10snegir": "qa10snegir",
}
SECRETS = tuple(SAID.values())
#: Harmless, so that something is left to remember.
PLAIN = ("I own two green bicycles.", "My sister Rita plays the cello.")


@pytest.fixture
def echo():
    with LLMServer() as server:
        yield server


@pytest.fixture
def echoing(settings, echo, hot_store, database):
    """Settings with the echoing model as LLM and embedder; the database's one space is the embedder's."""
    given = settings.model_dump(exclude_unset=True) | {"llm_base_url": echo.base_url, "llm_api_key": "sk-test"}
    given |= {"embedder": "openai", "embedding_model": "test-model", "summary_run": 2, "batch_turns": 4, "api_port": 0}
    database.execute("UPDATE embedding_spaces SET state = 'retired'")
    database.execute(
        "INSERT INTO embedding_spaces (provider, model, dimension, state) "
        "VALUES ('openai', 'test-model', 256, 'serving')"
    )
    yield lambda **more: type(settings)(**given | more)
    database.execute("TRUNCATE missing_vectors, vectors")
    database.execute("DELETE FROM embedding_spaces WHERE provider = 'openai'")
    database.execute("UPDATE embedding_spaces SET state = 'serving'")


def _say_by_the_client(settings, address):
    memory = MemoryClient("ana", "by-client", settings=settings)
    for text in SAID:
        memory.write("user", text)
        memory.write("assistant", f"Noted: {SAID[text]}")
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "login", "arguments": json.dumps({"password": "qa1x"})},
    }
    memory.write("assistant", "", tool_calls=[call], metadata={"password": SECRETS[1]})
    memory.write_many({"role": "user", "content": text} for text in PLAIN)
    memory.flush(wait_seconds=60)
    memory.add_fact(f"Ana's password is {SECRETS[0]}", subject="Ana", attribute="password", value=SECRETS[0])
    memory.set_preference("password", SECRETS[2])
    memory.flush(wait_seconds=60)
    for text in SAID:
        memory.recall(text)
        memory.context(text, 2_000)


def _say_by_asyncio(settings, address):
    async def say():
        try:
            memory = AsyncMemoryClient("ben", "by-asyncio", settings=settings)
            for text in SAID:
                await memory.write("user", text)
            await memory.write_many([{"role": "user", "content": text} for text in PLAIN])
            await memory.flush(wait_seconds=60)
            await memory.add_fact(f"Ben's password is {SECRETS[0]}")
            for text in SAID:
                await memory.recall(text)
                await memory.context(text, 2_000)
        finally:
            await close_async_connections()

    asyncio.run(say())


def _say_by_http(settings, address):
    base = "/v1/users/eva/sessions/by-http"
    with httpx.Client(base_url=address, timeout=90) as api:
        turns = [{"role": "user", "content": text} for text in (*SAID, *PLAIN)]
        assert api.post(f"{base}/turns", json={"turns": turns}).status_code == 201
        assert api.post(f"{base}/flush", params={"wait_seconds": 60}).status_code == 204
        for text in SAID:
            assert api.get(f"{base}/memories", params={"query": text}).status_code == 200
            assert api.post(f"{base}/recall", json={"query": text}).status_code == 200
            assert api.post(f"{base}/context", json={"query": text, "token_budget": 2_000}).status_code == 200


def _sent(server):
    """Return all that the model and the embedder received."""
    return b"".join(request.body for request in server.requests).decode().casefold()


@pytest.mark.slow
@pytest.mark.parametrize("turn_secrets", ["keep", "redact"])
def test_no_secret_leaves_the_turns(echoing, echo, database, hot_store, tmp_path, turn_secrets):
    settings = echoing(turn_secrets=turn_secrets)
    names = (*WORKERS, "api")
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=names) as stack:
        for say in (_say_by_the_client, _say_by_asyncio, _say_by_http):
            say(settings, stack.address("api"))
    sent = _sent(echo)
    assert "green bicycles" in sent, "the model was asked"
    assert echo.counts()["embeddings"] > 0
    assert [secret for secret in SECRETS if secret.casefold() in sent] == []
    assert canary.logs(tmp_path / "stack", *SECRETS) == []
    allowed = {"turns"} if turn_secrets == "keep" else set()
    assert {*canary._tables(database, SECRETS)} <= allowed
    memory = MemoryClient("ana", "by-client", settings=settings)
    told = [turn.content for turn in memory.history(100)]
    assert sum(secret in content for secret in SECRETS for content in told) == (20 if turn_secrets == "keep" else 0)
    assert [content for content in told if content in PLAIN] == list(PLAIN), "no turn is lost"
    recalled = memory.recall("password", limit=50, kinds=["fact", "episode", "turn"])
    texts = [found.text for found in recalled if not found.text.startswith("Noted: ")]
    texts += [fact.text for fact in memory.facts()]
    assert len(texts) > 10
    assert not [text for text in texts for secret in SECRETS if secret in text]


@pytest.mark.parametrize("turn_secrets", ["keep", "redact"])
def test_what_redis_holds(echoing, hot_store, turn_secrets):
    memory = MemoryClient("ana", "chat", settings=echoing(turn_secrets=turn_secrets))
    memory.write("user", "My password is Qa1Tulip!Pond", turn_id="t-1")
    memory.write("user", "My password is Qa1Tulip!Pond", turn_id="t-1")
    memory.write_many([{"role": "user", "content": "DB_PASSWORD=qa2-lantern-field"}])
    held = [key for key, text in canary._keys(hot_store) if "Qa1Tulip" in text or "qa2-lantern" in text]
    assert bool(held) == (turn_secrets == "keep")
    assignment = [f"DB_PASSWORD={'qa2-lantern-field' if turn_secrets == 'keep' else '[redacted]'}"]
    expected = "My password is Qa1Tulip!Pond" if turn_secrets == "keep" else "My password is [redacted]"
    assert [turn.content for turn in memory.history()] == [expected, *assignment]


def test_a_turn_that_an_older_client_wrote_is_redacted_by_the_archive(echoing, database):
    settings = echoing(turn_secrets="redact")
    MemoryClient("ana", "chat", settings=echoing(turn_secrets="keep")).write(
        "user", "My password is Qa1Tulip!Pond", metadata={"password": "qa2-lantern-field"}
    )
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    rows = database.execute("SELECT content, metadata FROM turns").fetchall()
    assert rows == [("My password is [redacted]", {"password": "[redacted]"})]


def test_an_imported_turn_is_redacted(echoing, command, write_file, database):
    settings = echoing(turn_secrets="redact")
    command.use(settings)
    line = {"user": "ana", "session": "old", "role": "user", "content": "my pin is 4711", "at": "2023-05-01T10:00:00Z"}
    file = write_file(line | {"id": "t-1"})
    with Pipeline(settings) as pipeline:
        for _ in range(2):
            assert command("import", file).code == 0
            pipeline.settle()
    assert database.execute("SELECT content FROM turns").fetchall() == [("my pin is [redacted]",)]


def test_a_fact_that_a_person_enters_holds_no_secret(settings, pipeline, caplog):
    memory = MemoryClient("ana", settings=settings)
    fact_id = memory.add_fact(
        "The wifi password is Qa1Tulip!Pond", subject="wifi", attribute="p", value="Qa1Tulip!Pond"
    )
    pipeline.settle()
    memory.correct_fact(fact_id, "The wifi password is qa2-lantern-field")
    pipeline.settle()
    assert {fact.text for fact in memory.facts()} == {"The wifi password is [redacted]"}
    assert caplog.text.count("a secret in the text of a fact was replaced") == 2
    assert "Qa1Tulip" not in caplog.text


def test_the_words_beside_a_secret_are_evidence(echoing, pipeline, echo, database):
    with Pipeline(echoing()) as ours:
        memory = MemoryClient("ana", settings=ours.settings)
        memory.write("user", "My password for GitHub is Qa1Tulip!Pond, and I live in Porto.")
        memory.flush()
        ours.settle()
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (1,)
    [(quote,)] = database.execute("SELECT quote FROM evidence").fetchall()
    assert quote == "My password for GitHub is [redacted] and I live in Porto."


def test_a_recalled_turn_shows_no_secret_and_the_history_shows_what_is_kept(settings, hot_store, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "The password of the cabin is Qa1Tulip!Pond")
    for _ in range(2):
        [found] = memory.recall("cabin", kinds=["turn"])
        assert (found.text, found.evidence[0].quote) == ("The password of the cabin is [redacted]",) * 2
        assert memory.history()[0].content == "The password of the cabin is Qa1Tulip!Pond"
        pipeline.settle()
