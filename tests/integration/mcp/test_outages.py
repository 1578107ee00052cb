"""Redis or Postgres is away: tools answer with the stable code, the process lives on, and works again afterwards."""

import asyncio
import contextlib

import pytest

from afterturn import settings as settings_module
from harness.chaos.servers_down import OwnServers
from tests.integration.mcp.conftest import (
    answer_of,
    error_of,
    make_key,
    open_http,
    open_stdio,
    run,
    serving,
    with_settings,
)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with OwnServers(tmp_path_factory.mktemp("own")) as servers:
        yield servers


@pytest.fixture
def of_own(own):
    own.lane.begin()
    return with_settings(own.lane.settings, postgres_timeout_seconds=3)


@contextlib.asynccontextmanager
async def connected(transport, settings):
    if transport == "stdio":
        async with open_stdio(settings, "--user", "ana") as client:
            yield client
        return
    key = make_key(settings, frozenset({"ana"}))
    with serving(settings) as address:
        async with open_http(address, key) as client:
            yield client


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_without_redis_nothing_is_written_and_then_it_is_again(own, of_own, transport):
    async def talk():
        async with connected(transport, of_own) as client:
            await answer_of(client, "remember", text="I live in Porto.")
            own.redis.stop()
            try:
                for tool, arguments in (
                    ("remember", {"text": "I live in Rome."}),
                    ("recall", {"query": "Porto"}),
                    ("get_context", {"query": "Porto"}),
                    ("search", {"query": "Porto"}),
                    ("fetch", {"id": "turn/mcp/x"}),
                ):
                    error = await error_of(client, tool, **arguments)
                    assert error.startswith("memory_unavailable: Redis (AFTERTURN_REDIS_URL)"), (tool, error)
            finally:
                own.redis.start()
            await answer_of(client, "remember", text="I live in Braga.")
            assert len((await answer_of(client, "recall", query="live"))["memories"]) >= 2

    run(talk)


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_without_postgres_turns_in_redis_are_recalled_and_facts_answer_with_the_code(own, of_own, transport):
    absent = "00000000-0000-0000-0000-000000000007"

    async def talk():
        async with connected(transport, of_own) as client:
            written = await answer_of(client, "remember", text="I keep bees.")
            await answer_of(client, "list_facts")
            own.postgres.stop()
            try:
                assert "I keep bees." in str(await answer_of(client, "recall", query="bees"))
                assert "I keep bees." in str(await answer_of(client, "get_context", query="bees"))
                assert "I keep bees." in str(await answer_of(client, "fetch", id=f"turn/mcp/{written['turn_id']}"))
                await answer_of(client, "remember", text="I keep hens.")
                for tool, arguments in (("list_facts", {}), ("fetch", {"id": absent}), ("fetch", {"id": "turn/mcp/x"})):
                    error = await error_of(client, tool, **arguments)
                    assert error.startswith("memory_unavailable: "), (tool, error)
            finally:
                own.postgres.start()
            # The pool waits between two attempts to connect.
            async with asyncio.timeout(20):
                while (await client.call_tool("list_facts", {})).is_error:
                    await asyncio.sleep(0.2)

    run(talk)


def test_the_process_starts_without_servers(settings, hot_store, tmp_path):
    away = settings_module.load(
        {
            "AFTERTURN_REDIS_URL": "redis://127.0.0.1:1/0",
            "AFTERTURN_POSTGRES_URL": "postgresql://postgres@127.0.0.1:1/afterturn",
            "AFTERTURN_POSTGRES_TIMEOUT_SECONDS": "1",
        }
    )

    async def talk():
        async with open_stdio(away, "--user", "ana") as client:
            assert len((await client.list_tools()).tools) == 10
            assert (await error_of(client, "remember", text="Hello")).startswith("memory_unavailable: ")
            assert (await error_of(client, "list_facts")).startswith("memory_unavailable: ")

    run(talk)
