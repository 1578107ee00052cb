"""What clients read of the tools: descriptions, annotations, schemas; and which tools a caller sees."""

import json

import pytest

from afterturn import settings as settings_module
from afterturn.principal import ALL_RIGHTS, Right
from tests.integration.mcp.conftest import ERAS, error_of, make_key, open_http, open_stdio, run

NAMES = [
    *("remember", "recall", "get_context", "list_facts", "list_contradictions", "list_threads"),
    *("correct_fact", "forget_fact", "search", "fetch"),
]
WRITING = {"remember", "correct_fact", "forget_fact"}
#: Of all tools together, as clients put them into prompts.
LIMIT_CHARACTERS = 24_000


def read_tools(settings, era, *arguments):
    read = []

    async def list_all():
        async with open_stdio(settings, "--user", "ana", *arguments, era=era) as client:
            read.extend((await client.list_tools()).tools)

    run(list_all)
    return read


@pytest.fixture(scope="module", params=ERAS)
def tools(request, redis_server, login_url):
    """The tools as each protocol lists them; one process for all tests that only read them."""
    addresses = {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": login_url}
    return read_tools(settings_module.load(addresses), request.param)


def test_every_tool_and_every_parameter_is_described(tools):
    assert [tool.name for tool in tools] == NAMES
    for tool in tools:
        assert tool.title and len(tool.description) > 60
        for name, parameter in tool.input_schema["properties"].items():
            assert len(parameter.get("description", "")) > 15, (tool.name, name)


def test_no_tool_takes_a_user_and_unknown_arguments_are_not_in_its_schema(tools):
    for tool in tools:
        assert tool.input_schema["additionalProperties"] is False
        assert not [name for name in tool.input_schema["properties"] if "user" in name or "tenant" in name]


def test_every_annotation_is_set(tools):
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
            tool.annotations.open_world_hint,
        )
        for tool in tools
    }
    reads = dict.fromkeys((name for name in NAMES if name not in WRITING), (True, False, True, False))
    assert hints == reads | {
        "remember": (False, False, False, False),
        "correct_fact": (False, True, False, False),
        "forget_fact": (False, True, True, False),
    }


def test_answers_are_objects_and_limits_are_in_the_schema(tools):
    assert all(tool.output_schema["type"] == "object" for tool in tools)
    by_name = {tool.name: tool for tool in tools}
    limit = by_name["recall"].input_schema["properties"]["limit"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 50, 10)
    assert by_name["search"].input_schema["required"] == ["query"]
    assert by_name["fetch"].input_schema["required"] == ["id"]
    assert by_name["fetch"].output_schema["required"] == ["id", "title", "text", "url", "metadata"]


def test_all_tools_together_are_short(tools):
    shown = json.dumps([tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools])
    assert len(shown) < LIMIT_CHARACTERS


def test_a_read_only_process_offers_no_tool_that_writes(settings):
    assert {tool.name for tool in read_tools(settings, "2026-07-28", "--read-only")} == set(NAMES) - WRITING


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("rights", "shown"),
    [
        ({Right.READ}, set(NAMES) - WRITING),
        ({Right.WRITE}, WRITING),
        ({Right.ADMIN}, set()),
        (ALL_RIGHTS, set(NAMES)),
    ],
)
def test_a_key_sees_the_tools_that_its_rights_allow_and_others_refuse(http, settings, rights, shown, era):
    key = make_key(settings, frozenset({"ana"}), frozenset(rights))

    async def list_and_call():
        async with open_http(http, key, era=era) as client:
            assert {tool.name for tool in (await client.list_tools()).tools} == shown
            for name in set(NAMES) - shown:
                right = "write" if name in WRITING else "read"
                error = await error_of(client, name)
                assert error == f"forbidden: the credential does not have the right to {right}"

    run(list_and_call)
