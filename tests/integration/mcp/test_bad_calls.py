"""Hostile and mistaken calls: an error names the argument, repeats no value, and the next call is answered."""

import json

import httpx
import pytest
from mcp.shared.exceptions import MCPError

from tests.integration.mcp.conftest import ERAS, answer_of, error_of, make_key, open_http, run, text_of

#: Stands in every wrong value; no answer may contain it.
CANARY = "zx-canary-91"
DEEP = {"a": CANARY}
for _ in range(50):
    DEEP = {"a": DEEP}
#: tool, arguments, the field that the error names.
WRONG = [
    ("recall", {}, "query"),
    ("recall", {"query": ""}, "query"),
    ("recall", {"query": None}, "query"),
    ("recall", {"query": 5}, "query"),
    ("recall", {"query": [CANARY]}, "query"),
    ("recall", {"query": DEEP}, "query"),
    ("recall", {"query": CANARY * 4_000}, "query"),
    ("recall", {"query": "q", "limit": CANARY}, "limit"),
    ("recall", {"query": "q", "limit": "5"}, "limit"),
    ("recall", {"query": "q", "limit": True}, "limit"),
    ("recall", {"query": "q", "limit": 1.5}, "limit"),
    ("recall", {"query": "q", "limit": 0}, "limit"),
    ("recall", {"query": "q", "limit": 51}, "limit"),
    ("recall", {"query": "q", "limit": 10**30}, "limit"),
    ("recall", {"query": "q", "limit": -1}, "limit"),
    ("recall", {"query": "q", "kinds": [CANARY]}, "kinds"),
    ("recall", {"query": "q", "kinds": CANARY}, "kinds"),
    ("recall", {"query": "q", "kinds": ["fact"] * 3}, "kinds"),
    ("recall", {"query": "q", "since": CANARY}, "since"),
    ("recall", {"query": "q", "since": 5}, "since"),
    ("recall", {"query": "q", "since": "2026-01-01T00:00:00"}, "since"),
    ("recall", {"query": "q", "session_id": CANARY + "\n"}, "session_id"),
    ("recall", {"query": "q", "session_id": "~" + CANARY}, "session_id"),
    ("recall", {"query": "q", "session_id": CANARY * 50}, "session_id"),
    ("remember", {"text": ""}, "text"),
    ("remember", {"text": {"a": CANARY}}, "text"),
    ("remember", {"text": "t", "role": CANARY}, "role"),
    ("remember", {"text": "t", "role": "system"}, "role"),
    ("remember", {"text": "t", "turn_id": CANARY + "\x00"}, "turn_id"),
    ("remember", {"text": "t", "turn_id": ""}, "turn_id"),
    ("remember", {"text": "t", "session_id": 7}, "session_id"),
    ("get_context", {"token_budget": 0}, "token_budget"),
    ("get_context", {"token_budget": CANARY}, "token_budget"),
    ("get_context", {"token_budget": 1_000_000}, "token_budget"),
    ("list_facts", {"limit": 101}, "limit"),
    ("list_threads", {"limit": 0}, "limit"),
    ("list_threads", {"limit": 101}, "limit"),
    ("list_facts", {"cursor": CANARY}, "cursor"),
    ("list_facts", {"cursor": CANARY * 1_000}, "cursor"),
    ("list_facts", {"include_superseded": "yes"}, "include_superseded"),
    ("list_facts", {"subject": CANARY * 100}, "subject"),
    ("correct_fact", {"fact_id": "00000000-0000-0000-0000-000000000007"}, "text"),
    ("correct_fact", {"fact_id": "00000000-0000-0000-0000-000000000007", "text": CANARY * 1_000}, "text"),
    ("correct_fact", {"fact_id": CANARY * 100, "text": "t"}, "fact_id"),
    ("forget_fact", {"fact_id": 7}, "fact_id"),
    ("search", {"query": "q", "limit": 5}, "limit"),
    ("fetch", {"id": ""}, "id"),
    ("fetch", {"id": "turn/" + CANARY * 1_000}, "id"),
    ("fetch", {"id": "x", CANARY.replace("-", "_"): 5}, None),
]
#: Ids that name nothing of the user, whatever their form.
ABSENT = [
    CANARY,
    "turn/",
    "turn/a",
    "turn//",
    "turn/a/" + CANARY,
    "turn/%00/%ff",
    "turn/~edits/x",
    "../..",
    "\x00",
    "turn/a/b/c",
]


@pytest.fixture
def key(settings):
    return make_key(settings, frozenset({"ana"}))


@pytest.mark.parametrize("era", ERAS)
def test_an_error_names_the_argument_and_repeats_no_value(http, key, era):
    async def call_all():
        async with open_http(http, key, era=era) as client:
            for tool, arguments, field in WRONG:
                error = await error_of(client, tool, **arguments)
                assert error.startswith(("invalid_input: ", "invalid_id: ")), (tool, field, error)
                if field is not None:
                    assert field in error, (tool, field, error)
                    assert CANARY not in error, (tool, field)
                assert len(error) < 1_000
            assert await answer_of(client, "recall", query="q") == {"memories": []}

    run(call_all)


@pytest.mark.parametrize("era", ERAS)
def test_an_id_of_any_form_that_names_nothing_is_not_found(http, key, era):
    async def call_all():
        async with open_http(http, key, era=era) as client:
            for name in ABSENT:
                for tool, arguments in (
                    ("fetch", {"id": name}),
                    ("forget_fact", {"fact_id": name}),
                    ("correct_fact", {"fact_id": name, "text": "t"}),
                ):
                    error = await error_of(client, tool, **arguments)
                    assert error == "not_found: this user has no memory with this id", (tool, name)

    run(call_all)


@pytest.mark.parametrize("era", ERAS)
def test_an_unknown_tool_is_an_error_that_does_not_repeat_it(http, key, era):
    async def call():
        async with open_http(http, key, era=era) as client:
            with pytest.raises(MCPError) as raised:
                await client.call_tool(CANARY, {})
            assert raised.value.code == -32602 and CANARY not in str(raised.value)

    run(call)


def test_numbers_and_lists_in_the_forms_that_clients_send_are_taken(http, key):
    async def call():
        async with open_http(http, key) as client:
            for arguments in (
                {"limit": 5.0},
                {"kinds": '["fact"]'},
                {"kinds": []},
                {"kinds": None},
                {"since": None, "until": "2030-01-01T00:00:00Z"},
                {"session_id": None},
            ):
                assert await answer_of(client, "recall", query="q", **arguments) == {"memories": []}, arguments

    run(call)


@pytest.mark.parametrize("era", ERAS)
def test_a_text_that_is_too_large_is_refused_and_a_large_one_is_kept(http, key, era):
    async def call():
        async with open_http(http, key, era=era) as client:
            assert (await error_of(client, "remember", text="Porto " * 60_000)).startswith("turn_too_large: ")
            await answer_of(client, "remember", text="Porto " * 30_000)

    run(call)


class Raw:
    """Posts bodies as they are, in one of the protocols."""

    def __init__(self, address, key, era):
        self.url, self.era = f"{address}/mcp", era
        self.headers = {
            "authorization": f"Bearer {key}",
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            "mcp-protocol-version": "2026-07-28" if era == "2026-07-28" else "2025-06-18",
        }

    def post(self, body, **headers):
        return httpx.post(self.url, content=body, headers=self.headers | headers, timeout=60)

    def call(self, arguments: str, tool="remember"):
        meta = ""
        headers = {}
        if self.era == "2026-07-28":
            meta = (
                ', "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", '
                '"io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"}, '
                '"io.modelcontextprotocol/clientCapabilities": {}}'
            )
            headers = {"mcp-method": "tools/call", "mcp-name": tool}
        body = (
            f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", '
            f'"params": {{"name": "{tool}", "arguments": {arguments}{meta}}}}}'
        )
        return self.post(body.encode(), **headers)


@pytest.fixture(params=ERAS)
def raw(request, http, key):
    return Raw(http, key, request.param)


def test_lone_surrogates_and_nul_are_replaced_as_in_turns(raw):
    answer = raw.call(r'{"text": "I own \ud800 a \u0000 boat \ud83d\ude00."}')
    assert answer.status_code == 200 and answer.json()["result"].get("isError") is not True, answer.text
    found = raw.call(r'{"query": "\udfff boat"}', tool="recall").json()["result"]["structuredContent"]["memories"]
    assert [memory["text"] for memory in found] == ["I own \ufffd a \ufffd boat \U0001f600."]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("[1]", -32602),
        ('"text"', -32602),
        ('{"text": NaN}', -32700),
        ("[" * 5_000 + "]" * 5_000, -32700),
    ],
)
def test_arguments_that_are_no_object_are_refused(raw, arguments, code):
    answer = raw.call(arguments)
    assert answer.json()["error"]["code"] == code, answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"zx-canary-91",
        b'{"zx-canary-91": ',
        b"[]",
        b'[{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": "zx-canary-91"}}]',
        b'"zx-canary-91"',
        b'{"jsonrpc": "1.0", "id": 1, "method": "zx-canary-91"}',
        b'{"jsonrpc": "2.0", "id": {"a": "zx-canary-91"}, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": 1, "method": {"zx-canary-91": 1}}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": "zx-canary-91"}',
        b'{"jsonrpc": "2.0", "id": "\xff", "method": "ping"}',
        b'{"a": "' + b"[" * 200_000 + b'"}',
        b"[" + b"1," * 200_000 + b"1]",
    ],
)
def test_what_is_no_message_is_answered_by_an_error_that_repeats_nothing(raw, body):
    answer = raw.post(body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] in (-32700, -32600) and answer.json()["jsonrpc"] == "2.0"
    assert CANARY not in answer.text and len(answer.text) < 300


def test_a_body_that_is_too_large_is_refused_before_it_is_read(raw):
    answer = raw.post(b'{"a": "' + b"x" * 9_000_000 + b'"}')
    assert answer.status_code == 413 and answer.json()["code"] == "body_too_large"


def test_methods_that_the_server_does_not_have_are_not_found(http, key):
    older = Raw(http, key, "older")
    for method in ("subscriptions/listen", "sampling/createMessage", "logging/setLevels", CANARY):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
        answer = older.post(json.dumps(body).encode())
        assert answer.json()["error"]["code"] == -32601, (method, answer.text)


@pytest.mark.parametrize("era", ERAS)
def test_no_error_of_a_crash_reaches_the_client(http, key, monkeypatch, era):
    from afterturn import AsyncMemoryClient

    async def crash(*_, **__):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(AsyncMemoryClient, "recall", crash)

    async def call():
        async with open_http(http, key, era=era) as client:
            result = await client.call_tool("recall", {"query": "q"})
            assert result.is_error
            assert text_of(result) == "internal_error: the server failed; its log says why"

    run(call)
