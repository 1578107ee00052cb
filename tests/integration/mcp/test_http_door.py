"""MCP over HTTP: credentials and where to get them, hosts and origins, limits, methods; alone and in the HTTP API."""

import httpx
import pytest
from fastapi.testclient import TestClient

from api_shim.http.app import create_app
from api_shim.mcp import http_app
from tests.integration.mcp.conftest import ERAS, answer_of, make_key, open_http, run, serving, with_settings
from tests.integration.test_tokens import AUDIENCE, ISSUER, issuer, sign  # noqa: F401  # a fixture

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
METADATA = "/.well-known/oauth-protected-resource"
APPS = {"alone": http_app.create_app, "in the API": create_app}


@pytest.fixture(params=APPS)
def serve(request, settings, hot_store):
    """A function that returns a client of MCP, served alone or by the HTTP API."""
    opened = []

    def open_one(**changed):
        changed = {"api_mcp": True} | changed
        app = APPS[request.param](with_settings(settings, **changed))
        client = TestClient(app, base_url="http://127.0.0.1:8600")
        opened.append(client)
        return client.__enter__()

    yield open_one
    for client in opened:
        client.__exit__(None, None, None)


def bearer(credential):
    return {"Authorization": f"Bearer {credential}"}


def test_without_a_credential_the_answer_says_where_to_get_one(serve, settings):
    make_key(settings, frozenset({"ana"}))
    client = serve()
    answer = client.post("/mcp", json=PING)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == (
        'Bearer realm="afterturn", resource_metadata="http://127.0.0.1:8600/.well-known/oauth-protected-resource/mcp", '
        'scope="afterturn:read afterturn:write"'
    )
    for path in (f"{METADATA}/mcp", METADATA):
        metadata = client.get(path)
        assert metadata.status_code == 200 and metadata.headers["content-type"] == "application/json"
        assert metadata.json() == {
            "resource": "http://127.0.0.1:8600/mcp",
            "scopes_supported": ["afterturn:read", "afterturn:write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "afterturn",
        }


@pytest.mark.parametrize("credential", ["wrong", "at_wrong", "eyJ.a.b"])
def test_a_wrong_credential_is_refused_as_invalid(serve, settings, credential):
    make_key(settings, frozenset({"ana"}))
    answer = serve().post("/mcp", json=PING, headers=bearer(credential))
    assert answer.status_code == 401 and answer.headers["www-authenticate"].endswith(', error="invalid_token"')


def test_the_public_address_is_that_of_the_setting_and_no_host_breaks_the_header(serve, settings):
    make_key(settings, frozenset({"ana"}))
    public = serve(api_public_url="https://memory.example.com/at/")
    answer = public.post("/mcp", json=PING)
    assert (
        'resource_metadata="https://memory.example.com/.well-known/oauth-protected-resource/at/mcp"'
        in (answer.headers["www-authenticate"])
    )
    assert public.get(METADATA).json()["resource"] == "https://memory.example.com/at/mcp"
    forged = serve().post("/mcp", json=PING, headers={"Host": 'evil", x="'})
    assert "evil" not in forged.headers["www-authenticate"]


def test_a_token_gives_access_to_its_user_if_it_is_for_this_audience(serve, settings, issuer):  # noqa: F811
    given = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks_url": issuer.url}
    client = serve(**given, jwt_user_claim="memory_of")
    assert client.get(METADATA).json()["authorization_servers"] == [ISSUER]
    accept = {"accept": "application/json"}
    assert client.post("/mcp", json=PING, headers=bearer(sign(memory_of="ana")) | accept).status_code == 200
    for wrong in ({"aud": "another"}, {"iss": "https://other.example"}, {"exp": 1}):
        answer = client.post("/mcp", json=PING, headers=bearer(sign(memory_of="ana", **wrong)) | accept)
        assert answer.status_code == 401, wrong
    several = client.post("/mcp", json=PING, headers=bearer(sign(memory_of=["ana", "ben"])) | accept)
    nobody = client.post("/mcp", json=PING, headers=bearer(sign()) | accept)
    assert (several.status_code, nobody.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost:6274", 200),
        ("http://127.0.0.1:3000", 200),
        ("https://app.example.com", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_the_origin_is_checked_although_there_is_a_credential(serve, settings, origin, status):
    headers = bearer(make_key(settings, frozenset({"ana"}))) | {"accept": "application/json"}
    client = serve(api_cors_origins="https://app.example.com")
    answer = client.post("/mcp", json=PING, headers=headers | ({} if origin is None else {"Origin": origin}))
    assert answer.status_code == status
    assert status == 200 or answer.json()["code"] == "origin_not_allowed"


def test_a_page_with_another_name_for_this_machine_reaches_nothing_without_a_credential(serve):
    client = serve(mcp_user="ana")
    headers = {"accept": "application/json"}
    assert client.post("/mcp", json=PING, headers=headers).status_code == 200
    assert client.post("/mcp", json=PING, headers=headers | {"Host": "evil.example"}).status_code == 421
    assert client.post("/mcp", json=PING, headers=headers | {"Origin": "http://evil.example"}).status_code == 403


def test_the_hosts_of_the_setting_are_the_only_ones(serve, settings):
    headers = bearer(make_key(settings, frozenset({"ana"}))) | {"accept": "application/json"}
    client = serve(api_allowed_hosts="memory.example.com")
    assert client.post("/mcp", json=PING, headers=headers | {"Host": "memory.example.com"}).status_code == 200
    assert client.post("/mcp", json=PING, headers=headers | {"Host": "evil.example"}).status_code == 421


def test_requests_are_limited_per_credential_and_answers_say_what_is_left(serve, settings):
    headers = bearer(make_key(settings, frozenset({"ana"}), requests_per_minute=2)) | {"accept": "application/json"}
    answers = [serve().post("/mcp", json=PING, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert all("ratelimit" in answer.headers for answer in answers) and "retry-after" in answers[2].headers
    assert answers[2].json()["code"] == "rate_limited"


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_there_are_no_streams_and_no_sessions_to_end(serve, settings, method):
    headers = bearer(make_key(settings, frozenset({"ana"})))
    answer = serve().request(method, "/mcp", headers=headers | {"accept": "text/event-stream"})
    assert answer.status_code == 405 and answer.headers["allow"] == "OPTIONS, POST"


def test_other_content_types_and_answers_are_refused(serve, settings):
    headers = bearer(make_key(settings, frozenset({"ana"})))
    client = serve()
    assert client.post("/mcp", content=b"{}", headers=headers | {"content-type": "text/plain"}).status_code == 400
    assert client.post("/mcp", json=PING, headers=headers | {"accept": "text/html"}).status_code == 406


def test_a_browser_of_an_allowed_origin_may_send_the_header_fields_of_mcp(serve, settings):
    asked = {
        "Origin": "https://app.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, mcp-protocol-version, mcp-method, mcp-name",
    }
    client = serve(api_cors_origins="https://app.example.com")
    assert client.options("/mcp", headers=asked).status_code == 200
    make_key(settings, frozenset({"ana"}))
    refused = client.post("/mcp", json=PING, headers={"Origin": "https://app.example.com"})
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


def test_the_api_serves_mcp_only_if_it_is_set(settings, hot_store):
    with TestClient(create_app(settings)) as client:
        assert client.post("/mcp", json=PING).status_code == 404
        assert client.get(METADATA).status_code == 404


@pytest.mark.parametrize("era", ERAS)
def test_the_official_client_works_with_the_api(settings, hot_store, era):
    key = make_key(settings, frozenset({"ana"}))

    async def talk(address):
        async with open_http(address, key, era=era) as client:
            await answer_of(client, "remember", text="I live in Porto.")

    with serving(with_settings(settings, api_mcp=True), create_app) as address:
        run(lambda: talk(address))
        turns = httpx.get(f"{address}/v1/users/ana/sessions/mcp/turns", headers=bearer(key)).json()["turns"]
    assert [turn["content"] for turn in turns] == ["I live in Porto."]
