"""HEAD, OPTIONS, other methods; web pages; pages of documentation; Idempotency-Key; readiness; metrics."""

import re
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from afterturn import MemoryClient
from api_shim.http.app import create_app

BASE = "/v1/users/ana/sessions/chat"
FACTS = "/v1/users/ana/facts"
APP = "https://app.example.com"


@pytest.fixture
def open_door(settings, hot_store):
    """Return a function that opens an API with changed settings."""
    opened = []

    def make(**changed):
        given = type(settings)(**settings.model_dump(exclude_unset=True) | changed)
        client = TestClient(create_app(given), base_url="http://localhost")
        opened.append(client)
        return client.__enter__()

    yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (f"{BASE}/turns", "DELETE, GET, HEAD, OPTIONS, POST"),
        (FACTS, "GET, HEAD, OPTIONS, POST"),
        (f"{BASE}/flush", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
        (f"{FACTS}/00000000-0000-0000-0000-000000000007", "DELETE, OPTIONS, PATCH"),
        ("/v1/users/a%2Fb/preferences/c%2Fd", "OPTIONS, PUT"),
    ],
)
def test_options_and_405_name_all_methods_of_a_path(open_door, path, methods):
    door = open_door()
    answer = door.options(path)
    assert (answer.status_code, answer.headers["allow"], answer.text) == (204, methods, "")
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} - set(methods.split(", ")):
        refused = door.request(method, path)
        assert (refused.status_code, refused.json()["code"]) == (405, "method_not_allowed"), method
        assert refused.headers["allow"] == methods
        assert refused.headers["content-type"] == "application/problem+json"


def test_options_and_head_of_no_path_are_404(open_door):
    door = open_door()
    assert door.options("/nothing").json()["code"] == "not_found"
    assert door.head("/nothing").status_code == 404


def test_head_answers_like_get_without_the_body(open_door, settings):
    door = open_door()
    MemoryClient("ana", "chat", settings=settings).write("user", "Hello")
    for path in (f"{BASE}/turns", "/healthz", FACTS, "/openapi.json", "/docs", f"{FACTS}?limit=0"):
        got, head = door.get(path), door.head(path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]


def test_a_head_request_needs_the_credential_of_get(open_door):
    door = open_door(api_key="a-long-key-of-the-owner")
    assert door.head(f"{BASE}/turns").status_code == 401
    headers = {"Authorization": "Bearer a-long-key-of-the-owner"}
    assert door.head(f"{BASE}/turns", headers=headers).status_code == 200


PREFLIGHT = {"Origin": APP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def test_pages_of_other_origins_may_call_nothing_by_default(open_door):
    door = open_door(api_key="a-long-key-of-the-owner")
    answer = door.options(FACTS, headers=PREFLIGHT)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    got = door.get("/healthz", headers={"Origin": APP})
    assert not [name for name in got.headers if name.startswith("access-control")]


@pytest.mark.parametrize("key", ["a-long-key-of-the-owner", None])
def test_pages_of_allowed_origins_may_call_the_api(open_door, key):
    door = open_door(api_key=key, api_cors_origins=f"{APP}/, https://b.example")
    answer = door.options(FACTS, headers=PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == APP
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers
    headers = {"Origin": APP} | ({"Authorization": f"Bearer {key}"} if key else {})
    got = door.get(FACTS, headers=headers)
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (200, APP)
    refused = door.get(f"{FACTS}?limit=0", headers=headers)
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (422, APP)
    other = door.options(FACTS, headers=PREFLIGHT | {"Origin": "https://app.example.com.evil.example"})
    assert (other.status_code, other.json()["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in other.headers


def test_a_star_opens_no_server_without_a_credential(open_door):
    assert open_door(api_cors_origins="*").get(FACTS, headers={"Origin": APP}).status_code == 403
    door = open_door(api_cors_origins="*", api_key="a-long-key-of-the-owner")
    answer = door.options(FACTS, headers=PREFLIGHT)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_pages_of_documentation_need_no_network(open_door, page):
    door = open_door()
    html = door.get(page)
    assert html.headers["content-type"].startswith("text/html")
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", html.text)
    assert addresses and not re.search(r"https?://", html.text)
    for address in addresses:
        asset = door.get(address)
        assert asset.status_code == 200 and len(asset.content) > 500
    assert "/openapi.json" in html.text
    assert door.get("/docs-assets/../app.py").status_code == 404
    assert door.get("/docs-assets/nothing.js").headers["content-type"] == "application/problem+json"


def test_a_request_with_an_idempotency_key_is_done_once(open_door, pipeline):
    door = open_door()
    key = {"Idempotency-Key": str(uuid4())}
    body = {"turns": [{"role": "user", "content": "I live in Porto.", "name": "Ana"}, {"role": "user", "content": "x"}]}
    first, second = (door.post(f"{BASE}/turns", json=body, headers=key) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201) and first.json() == second.json()
    pipeline.settle()
    assert door.post(f"{BASE}/turns", json=body, headers=key).json() == first.json()
    pipeline.settle()
    assert len(door.get(f"{BASE}/turns").json()["turns"]) == 2
    other = door.post("/v1/users/ana/sessions/other/turns", json=body, headers=key)
    assert not set(other.json()["turn_ids"]) & set(first.json()["turn_ids"])
    changed = door.post(f"{BASE}/turns", json={"turns": [{"role": "user", "content": "y"}]}, headers=key)
    assert (changed.status_code, changed.json()["code"]) == (409, "turn_id_used")
    given = {"turns": [{"role": "user", "content": "mine", "turn_id": "t-1"}]}
    assert door.post(f"{BASE}/turns", json=given, headers=key).json() == {"turn_ids": ["t-1"]}


def test_edits_with_an_idempotency_key_are_done_once(open_door, pipeline):
    door = open_door()
    key = {"Idempotency-Key": "k-1"}
    facts = {"facts": [{"text": "Ana has a cat."}, {"text": "Ana has a dog."}]}
    added = [door.post(FACTS, json=facts, headers=key).json() for _ in range(3)]
    pipeline.settle()
    added.append(door.post(FACTS, json=facts, headers=key).json())
    assert added[0] == added[1] == added[2] == added[3]
    set_twice = [
        door.put("/v1/users/ana/preferences/colour", json={"value": "green"}, headers=key).json() for _ in range(2)
    ]
    cat = added[0]["fact_ids"][0]
    corrected = [door.patch(f"{FACTS}/{cat}", json={"text": "Ana has two cats."}, headers=key).json() for _ in range(2)]
    pipeline.settle()
    assert set_twice[0] == set_twice[1] and corrected[0] == corrected[1]
    texts = sorted(fact["text"] for fact in door.get(FACTS).json()["facts"] if "green" not in fact["text"])
    assert texts == ["Ana has a dog.", "Ana has two cats."]
    assert door.delete(f"{FACTS}/{corrected[0]['fact_ids'][0]}", headers=key).status_code == 202


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ä", "\t"])
def test_an_idempotency_key_of_another_form_is_refused(open_door, hot_store, key):
    answer = open_door().post(
        f"{BASE}/turns",
        json={"turns": [{"role": "user", "content": "x"}]},
        headers={"Idempotency-Key": key.encode("latin-1")},
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert not hot_store.keys("at:*pending*")


def test_readiness_names_what_is_not_as_it_should_be(open_door, settings, running_workers):
    ready = open_door().get("/readyz")
    assert (ready.status_code, ready.json()["status"], ready.json()["problems"]) == (200, "ready", [])
    assert ready.json()["redis"] and ready.json()["postgres"] and ready.json()["broker"]
    away = open_door(postgres_url="postgresql://x@127.0.0.1:1/x").get("/readyz")
    assert (away.status_code, away.json()["postgres"], away.json()["problems"]) == (
        503,
        False,
        ["postgres does not answer"],
    )
    away = open_door(redis_url="redis://127.0.0.1:1/0").get("/readyz")
    assert (away.status_code, away.json()["redis"], away.json()["broker"]) == (503, False, False)


def test_readiness_without_workers_and_with_late_turns(open_door, settings, hot_store, running_workers):
    MemoryClient("ana", "chat", settings=settings).write("user", "Hello")
    late = open_door(freshness_objective_seconds=1).get("/readyz")
    if late.status_code == 200:
        import time

        time.sleep(3.1)
        late = open_door(freshness_objective_seconds=1).get("/readyz")
    assert (late.status_code, late.json()["status"]) == (503, "not_ready")
    assert "FRESHNESS_OBJECTIVE" in late.json()["problems"][0] and late.json()["backlog_seconds"] > 1
    hot_store.delete("at:heartbeats")
    idle = open_door().get("/readyz").json()
    assert "archive" in idle["stages_without_workers"] and len(idle["problems"]) == 2


def test_metrics_of_workers_are_those_of_postgres_and_redis(open_door, settings, pipeline, database, running_workers):
    MemoryClient("ana", "chat", settings=settings).write("user", "I live in canary7.", name="Ana")
    pipeline.settle()
    MemoryClient("ben", "chat", settings=settings).write("user", "pending")
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, model, outcome, prompt_tokens, completion_tokens, "
        "reserved_at, ended_at) VALUES ('default', 'ana', gen_random_uuid(), 'extract', 'm', 'answered', 1000, 50, "
        "now(), now() + interval '1.5 s')"
    )
    database.execute(
        "INSERT INTO counters (name, count) VALUES ('stale_writes_refused', 3) "
        "ON CONFLICT (name) DO UPDATE SET count = 3"
    )
    database.execute("UPDATE batches SET state = 'dead', reason = 'answer_malformed: canary7', dead_at = now()")
    key = "a-long-key-of-the-owner"
    door = open_door(api_key=key, prompt_price_per_million=2, completion_price_per_million=4)
    assert door.get("/metrics").status_code == 401
    answer = door.get("/metrics", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    from prometheus_client.parser import text_string_to_metric_families

    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert values["afterturn_llm_seconds_total", "extract", "m"] == 1.5
    assert values["afterturn_llm_tokens_total", "extract", "m", "prompt"] == 1000
    assert values["afterturn_llm_cost_total", "extract", "m"] == pytest.approx(0.0022)
    assert values["afterturn_stale_writes_refused_total",] == 3
    assert values["afterturn_dead_batches", "answer_malformed"] == 1
    assert values["afterturn_pending_sessions",] >= 1
    assert values["afterturn_server_up", "postgres"] == 1
    assert values["afterturn_workers", "extract"] >= 1
    assert values["afterturn_freshness_seconds", "0.95", "archived"] > 0
    assert values["process_resident_memory_bytes",] > 1_000_000
    assert "canary7" not in answer.text and "ana" not in {label for name in values for label in name}


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {"Host": "[::1]:8600"}, 200),
        ("10.0.0.7", {}, 401),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"Via": "1.1 proxy"}, 401),
        ("127.0.0.1", {"Host": "evil.example"}, 401),
        ("127.0.0.1", {"Host": "127.0.0.1.evil.example"}, 401),
    ],
)
def test_only_programs_of_this_machine_read_metrics_without_a_credential(settings, hot_store, address, headers, status):
    given = type(settings)(**settings.model_dump(exclude_unset=True) | {"api_key": "a-long-key-of-the-owner"})
    with TestClient(create_app(given), base_url="http://localhost", client=(address, 50_000)) as client:
        answer = client.get("/metrics", headers=headers)
        assert answer.status_code == status
        assert ("afterturn_backlog_oldest_seconds" in answer.text) == (status == 200)
        assert client.get("/v1/users").status_code == 401
