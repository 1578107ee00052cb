"""`user_id` may be left out: the session then has a memory of its own, which is nobody else's."""

import asyncio
import json

import pytest

import api_shim
from afterturn import ids
from afterturn.errors import Forbidden, InvalidId
from afterturn.forgetting import erasures, export
from afterturn.principal import EveryUser, Principal, Right, UserPrefix
from afterturn.scopes import UserScope
from api_shim import AsyncMemoryClient, MemoryClient
from tests import canary

OWN = "~session:user_123"
LONG = "x" * 200


def test_an_agent_that_names_a_session_only_runs_as_it_is(settings, pipeline):
    memory = MemoryClient(agent_id="rag_bot", session_id="user_123", settings=settings)
    query, answer = "I live in Lisbon.", "Noted."
    memory.write(f"User: {query} | Assistant: {answer}")
    pipeline.settle()
    [said] = memory.recall(limit=5)
    assert said.text == "User: I live in Lisbon. | Assistant: Noted."
    assert "Lisbon" in memory.recall("Where does the user live?", limit=5)[0].text
    assert [turn.agent_id for turn in memory.history()] == ["rag_bot"]


def test_the_same_session_finds_its_memory_again(settings, pipeline):
    MemoryClient(session_id="user_123", settings=settings).write("user", "I live in Lisbon.", name="Ana")
    pipeline.settle()
    again = MemoryClient(session_id="user_123", settings=settings)
    assert again.user_id == OWN
    assert [fact.text for fact in again.facts()] == ["Ana lives in Lisbon."]
    assert [session.session_id for session in again.sessions()] == ["user_123"]


def test_without_a_question_recall_returns_the_newest_turns_newest_first(settings, pipeline):
    memory = MemoryClient(session_id="user_123", settings=settings)
    for number in range(7):
        memory.write("user", f"This is message {number}.")
    expected = [f"This is message {number}." for number in (6, 5, 4, 3, 2)]
    assert [found.text for found in memory.recall(limit=5)] == expected
    pipeline.settle()
    assert [found.text for found in memory.recall(limit=5)] == expected


def test_the_asyncio_client_has_the_same_memory(settings, pipeline):
    async def write_and_recall():
        memory = AsyncMemoryClient(agent_id="rag_bot", session_id="user_123", settings=settings)
        await memory.write("User: I live in Lisbon. | Assistant: Noted.")
        recalled = await memory.recall(limit=5)
        await api_shim.close_async_connections()
        return memory.user_id, [found.text for found in recalled]

    user_id, recalled = asyncio.run(write_and_recall())
    assert user_id == OWN
    assert recalled == ["User: I live in Lisbon. | Assistant: Noted."]


@pytest.mark.parametrize("client", [MemoryClient, AsyncMemoryClient])
def test_one_of_user_and_session_is_needed(settings, client):
    for arguments in ({}, {"agent_id": "rag_bot"}, {"session_id": "default"}):
        with pytest.raises(InvalidId, match="user_id is missing"):
            client(settings=settings, **arguments)


def test_neither_a_user_nor_another_session_sees_it(settings, pipeline):
    secret = "My code word is heliotrope."
    MemoryClient(session_id="user_123", settings=settings).write("user", secret)
    pipeline.settle()
    for other in (
        MemoryClient("user_123", settings=settings),
        MemoryClient("user_123", "user_123", settings=settings),
        MemoryClient("session:user_123", "user_123", settings=settings),
        MemoryClient(session_id="user_124", settings=settings),
        MemoryClient(session_id="user_123", tenant_id="acme", settings=settings),
    ):
        assert other.recall("What is the code word?") == other.recall() == other.history() == other.facts() == []


@pytest.mark.parametrize("client", [MemoryClient, AsyncMemoryClient])
def test_no_user_can_be_called_like_the_memory_of_a_session(settings, client):
    for name in (OWN, "~session:", "~session:sha256:0"):
        with pytest.raises(InvalidId, match="must not begin with ~session:"):
            client(name, "user_123", settings=settings)
    assert client("~sessions", settings=settings).user_id == "~sessions"


def test_a_credential_that_is_bound_to_users_does_not_reach_it():
    for users in (frozenset({OWN}), UserPrefix("~"), UserPrefix("~session:")):
        bound = Principal(tenant_id="default", users=users, rights=frozenset(Right))
        with pytest.raises(Forbidden):
            bound.check(Right.ADMIN, OWN)
    Principal(tenant_id="default", users=EveryUser(), rights=frozenset(Right)).check(Right.ADMIN, OWN)


@pytest.mark.parametrize(
    "session_id", [LONG, "é" * 200, "x" * 191, "x" * 192, "sha256:", f"sha256:{'0' * 64}", "~a"[1:], "a/b c"]
)
def test_any_session_id_will_do(settings, session_id):
    user_id = MemoryClient(session_id=session_id, settings=settings).user_id
    assert ids.validate_id("user_id", user_id) == user_id
    assert user_id.startswith("~session:")


def test_no_two_sessions_have_the_same_memory():
    digest = ids.derive_session_memory_id(LONG).removeprefix("~session:")
    sessions = [LONG, LONG[:-1], "y" * 200, digest, ids.derive_session_memory_id(digest).removeprefix("~session:"), "x"]
    assert len({ids.derive_session_memory_id(session) for session in sessions}) == len(sessions)


def test_it_is_exported_and_forgotten_by_its_id(settings, pipeline, database, hot_store, command):
    memory = MemoryClient(session_id="user_123", settings=settings)
    memory.write("user", f"My dog is called {canary.WORD}.")
    pipeline.settle()
    memory.write("user", f"{canary.WORD} barks.")
    exported = [record.values for record in export.export_records(pipeline.runtime.user_stores, scope())]
    assert canary.WORD in json.dumps(exported, default=str)

    ended = command("forget", memory.user_id, "--yes")
    assert ended.code == 0, ended.error
    assert memory.recall("dog") == memory.recall() == memory.history() == []
    assert canary.places(database, hot_store, canary.WORD) == []
    receipt = erasures.forget(pipeline.runtime, scope())
    assert not receipt.removed


def test_commands_show_it(settings, pipeline, command):
    MemoryClient(session_id="user_123", settings=settings).write("user", "I live in Lisbon.", name="Ana")
    pipeline.settle()
    assert "Ana lives in Lisbon." in command("recall", OWN, "Where does Ana live?").out
    assert "I live in Lisbon." in command("history", OWN).out
    assert OWN in command("users").out
    wrong = command("history", OWN, "--session", "user_124")
    assert (wrong.code, "is not the memory of the session" in wrong.error) == (2, True)


def scope():
    return UserScope("default", OWN)
