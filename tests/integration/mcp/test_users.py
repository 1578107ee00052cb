"""Two users are never mixed: the user is that of the credential, and ids of others answer as if they did not exist."""

import asyncio

import httpx
import pytest

from afterturn import MemoryClient
from afterturn.principal import EveryUser, UserPrefix
from tests.integration.mcp.conftest import (
    ERAS,
    answer_of,
    error_of,
    make_key,
    open_http,
    open_stdio,
    run,
    serving,
    with_settings,
)

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


@pytest.mark.parametrize("era", ERAS)
def test_many_calls_of_two_users_at_once_show_each_only_their_own(http, settings, pipeline, era):
    names = ("ana", "ben")
    credentials = {user: make_key(settings, frozenset({user})) for user in names}

    async def talk(user):
        async with open_http(http, credentials[user], era=era) as client:
            for number in range(10):
                await answer_of(client, "remember", text=f"{user} likes tea number {number}.")
                found = (await answer_of(client, "recall", query="Who likes tea?", limit=50))["memories"]
                assert len(found) == number + 1 and all(memory["text"].startswith(user) for memory in found)

    async def talk_together():
        await asyncio.gather(*(talk(user) for user in names))

    run(talk_together)
    pipeline.settle()

    async def read_together():
        for user, other in (names, names[::-1]):
            async with open_http(http, credentials[user], era=era) as client:
                for tool, arguments in (
                    ("recall", {"query": "tea"}),
                    ("search", {"query": "tea"}),
                    ("get_context", {"query": "tea"}),
                    ("list_facts", {}),
                    ("list_threads", {}),
                ):
                    assert other not in str(await answer_of(client, tool, **arguments)), tool

    run(read_together)


@pytest.mark.parametrize("era", ERAS)
def test_ids_of_others_answer_as_if_they_did_not_exist(http, settings, pipeline, era):
    owner = MemoryClient("ben", "chat", settings=settings)
    turn_id = owner.write("user", "I live in Porto.")
    fact_id = owner.add_fact("Ben lives in Porto.")
    pipeline.settle()
    key = make_key(settings, frozenset({"ana"}))
    others = {"fact_id": fact_id, "turn": f"turn/chat/{turn_id}"}
    absent = {"fact_id": "00000000-0000-0000-0000-000000000007", "turn": "turn/chat/nothing"}

    async def ask(client, ids):
        return [
            await error_of(client, "fetch", id=ids["fact_id"]),
            await error_of(client, "fetch", id=ids["turn"]),
            await error_of(client, "correct_fact", fact_id=ids["fact_id"], text="Ben lives in Rome."),
            await error_of(client, "forget_fact", fact_id=ids["fact_id"]),
        ]

    async def compare():
        async with open_http(http, key, era=era) as client:
            assert await ask(client, others) == await ask(client, absent)
            assert set(await ask(client, others)) == {"not_found: this user has no memory with this id"}

    run(compare)
    pipeline.settle()
    assert [fact.text for fact in owner.facts() if str(fact.fact_id) == fact_id] == ["Ben lives in Porto."]


@pytest.mark.parametrize("forged", ["user", "user_id", "tenant_id", "agent_id", "principal"])
def test_no_argument_chooses_the_user(http, settings, forged):
    key = make_key(settings, frozenset({"ana"}))

    async def forge():
        async with open_http(http, key) as client:
            error = await error_of(client, "remember", text="I live in Rome.", **{forged: "ben"})
            assert error.startswith(f"invalid_input: {forged}: unknown argument") and "ben" not in error

    run(forge)
    assert MemoryClient("ben", "mcp", settings=settings).history() == []


def test_equal_users_of_two_tenants_are_two_users(http, settings):
    async def talk():
        for tenant in ("acme", "zeta"):
            async with open_http(http, make_key(settings, frozenset({"ana"}), tenant_id=tenant)) as client:
                await answer_of(client, "remember", text=f"I work at {tenant}.")
                found = (await answer_of(client, "recall", query="work"))["memories"]
                assert [memory["text"] for memory in found] == [f"I work at {tenant}."]

    run(talk)


@pytest.mark.parametrize("users", [EveryUser(), UserPrefix("a"), frozenset({"ana", "ben"})])
def test_a_credential_of_several_users_names_none_unless_a_setting_does(settings, hot_store, users):
    key = make_key(settings, users)

    async def refused(address):
        answer = httpx.post(f"{address}/mcp", json=PING, headers={"Authorization": f"Bearer {key}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert "AFTERTURN_MCP_USER" in answer.json()["detail"]

    async def used(address):
        async with open_http(address, key) as client:
            await answer_of(client, "remember", text="I live in Porto.")

    with serving(settings) as address:
        run(lambda: refused(address))
    with serving(with_settings(settings, mcp_user="zoe")) as address:
        run(lambda: (used if users == EveryUser() else refused)(address))
    with serving(with_settings(settings, mcp_user="ana")) as address:
        run(lambda: used(address))
    assert len(MemoryClient("ana", "mcp", settings=settings).history()) == 1


def test_a_credential_of_one_user_keeps_to_that_user_whatever_the_setting_says(settings, hot_store):
    key = make_key(settings, frozenset({"ana"}))

    async def talk(address):
        async with open_http(address, key) as client:
            await answer_of(client, "remember", text="I live in Porto.")

    with serving(with_settings(settings, mcp_user="ben")) as address:
        run(lambda: talk(address))
    assert len(MemoryClient("ana", "mcp", settings=settings).history()) == 1
    assert MemoryClient("ben", "mcp", settings=settings).history() == []


def test_over_stdio_the_user_is_that_of_the_start(settings, hot_store, database):
    async def talk():
        async with open_stdio(settings, "--user", "ana", "--session", "desk", "--agent", "claude") as client:
            await answer_of(client, "remember", text="I live in Porto.")
        async with open_stdio(with_settings(settings, mcp_user="ben"), "--tenant", "acme") as client:
            await answer_of(client, "remember", text="I live in Rome.")

    run(talk)
    [turn] = MemoryClient("ana", "desk", settings=settings).history()
    assert (turn.content, turn.agent_id) == ("I live in Porto.", "claude")
    assert len(MemoryClient("ben", "mcp", tenant_id="acme", settings=settings).history()) == 1
    recorded = database.execute("SELECT tenant_id, about_user, actor_kind FROM access_log WHERE action = 'mcp'")
    assert sorted(recorded.fetchall()) == [("acme", "ben", "system"), ("default", "ana", "system")]
