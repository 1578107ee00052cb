"""Rate limits of callers: exact, shared by all processes, announced in headers, and absent while Redis is."""

import asyncio
import time

import pytest
import redis
from fastapi.testclient import TestClient

from afterturn.access import access_log, keys, rate_limits
from afterturn.access.caller import Caller
from afterturn.client import connections
from afterturn.database import pool
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from api_shim.http.app import create_app

PROFILE = "/v1/users/ana/profile"
FACTS = "/v1/users/ana/facts"
EVERYTHING = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)


def make_headers(settings, **options):
    with pool.worker_connection(settings) as connection:
        made = keys.create(connection, EVERYTHING, actor=access_log.make_system_actor(), **options)
    return {"Authorization": f"Bearer {made.text}"}


def with_settings(settings, **changed):
    return type(settings)(**settings.model_dump(exclude_unset=True) | changed)


def test_requests_within_the_limit_say_what_is_left(settings, hot_store):
    headers = make_headers(settings)
    with TestClient(create_app(with_settings(settings, api_requests_per_minute=3))) as client:
        answers = [client.get(PROFILE, headers=headers) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"default";q=3;w=60'}
        shown = [answer.headers["ratelimit"] for answer in answers]
        assert [text.split(";")[:2] for text in shown] == [['"default"', f"r={left}"] for left in (2, 1, 0, 0, 0)]
        assert [int(text.rpartition("=")[2]) for text in shown[:3]] == [20, 40, 60]
        refused = answers[3]
        assert refused.json()["code"] == "rate_limited" and refused.json()["status"] == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert 18 <= int(refused.headers["retry-after"]) <= 20
        assert not any("retry-after" in answer.headers for answer in answers[:3])


def test_every_answer_has_the_headers_also_an_error(settings, hot_store):
    headers = make_headers(settings, requests_per_minute=100)
    with TestClient(create_app(settings)) as client:
        for answer in (
            client.get(PROFILE, headers=headers),
            client.get(PROFILE, params={"unknown": 1}, headers=headers),
            client.post(FACTS, json={"facts": []}, headers=headers),
            client.delete(f"{FACTS}/00000000-0000-0000-0000-000000000007", headers=headers),
            client.get("/v1/users/%00/profile", headers=headers),
        ):
            assert answer.headers["ratelimit-policy"] == '"default";q=100;w=60', answer
    with TestClient(create_app(settings)) as client:
        assert "ratelimit" not in client.get(PROFILE, headers=make_headers(settings)).headers


def test_a_key_has_its_own_limit_and_its_own_count(settings, hot_store):
    few, many, default = (make_headers(settings, requests_per_minute=limit) for limit in (1, 5, None))
    with TestClient(create_app(with_settings(settings, api_requests_per_minute=2))) as client:
        sent = {
            name: [client.get(PROFILE, headers=headers).status_code for _ in range(6)].count(200)
            for name, headers in (("few", few), ("many", many), ("default", default))
        }
    assert sent == {"few": 1, "many": 5, "default": 2}


def test_a_refused_request_changes_nothing(settings, hot_store):
    headers = make_headers(settings, requests_per_minute=1)
    with TestClient(create_app(settings)) as client:
        assert client.get(PROFILE, headers=headers).status_code == 200
        turn = {"turns": [{"role": "user", "content": "Hello"}]}
        assert client.post("/v1/users/ana/sessions/chat/turns", json=turn, headers=headers).status_code == 429
    assert hot_store.keys("at:*pending*") == []


@pytest.fixture
def patient(monkeypatch):
    """Each reply is waited for, however busy the machine is."""
    monkeypatch.setattr(rate_limits, "TIMEOUT_SECONDS", 20.0)


def caller(name, limit):
    return Caller(principal=EVERYTHING, kind="key", name=name, requests_per_minute=limit)


def count(settings, name, limit, times):
    """Count requests at once on connections of a process of its own; return how many are within the limit."""

    async def run():
        client = connections.get_async_connections(settings).redis
        usages = await asyncio.gather(
            *(rate_limits.count_request(client, caller(name, limit), None) for _ in range(times))
        )
        await connections.close_async_connections()
        return sum(usage.is_within for usage in usages)

    return asyncio.run(run())


def test_concurrent_requests_are_counted_exactly(settings, hot_store, patient):
    assert count(settings, "a", 5, 120) == 5
    assert count(settings, "a", 5, 10) == 0
    assert count(settings, "b", 1, 10) == 1


def test_requests_come_back_one_by_one(settings, hot_store, patient):
    """Two a minute is one each 30 seconds: not nothing for a minute, then both at once."""
    assert count(settings, "a", 2, 10) == 2
    [key] = hot_store.keys("at:limit:*")
    hot_store.set(key, float(hot_store.get(key)) - 30_000, keepttl=True)  # 30 seconds later
    assert count(settings, "a", 2, 10) == 1


def test_a_limit_leaves_no_name_and_no_key_behind(settings, hot_store, patient):
    assert count(settings, "ana-the-user", 600, 3) == 3
    [key] = hot_store.keys("at:limit:*")
    assert b"ana" not in key and b"ana" not in hot_store.get(key)
    assert 0 < hot_store.pttl(key) <= 60_000
    wait = hot_store.pttl(key) / 1000
    time.sleep(wait + 0.1)
    assert hot_store.keys("at:limit:*") == []


def test_a_clock_that_was_set_back_stops_nobody_for_longer_than_a_window(settings, hot_store, patient):
    assert count(settings, "a", 2, 1) == 1
    [key] = hot_store.keys("at:limit:*")
    hot_store.set(key, time.time() * 1000 + 86_400_000, ex=60)
    assert count(settings, "a", 2, 1) == 0
    hot_store.expire(key, 60)
    refused = None

    async def run():
        client = connections.get_async_connections(settings).redis
        usage = await rate_limits.count_request(client, caller("a", 2), None)
        await connections.close_async_connections()
        return usage

    refused = asyncio.run(run())
    assert refused.retry_after_seconds <= rate_limits.WINDOW_SECONDS / 2


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://10.255.255.1:6379/0"])
def test_without_redis_requests_are_not_limited_and_do_not_wait_long(settings, hot_store, url):
    away = with_settings(settings, redis_url=url, redis_timeout_seconds=60)

    async def run():
        client = connections.get_async_connections(away).redis
        began = time.monotonic()
        usage = await rate_limits.count_request(client, caller("a", 1), None)
        seconds = time.monotonic() - began
        await connections.close_async_connections()
        return usage, seconds

    usage, seconds = asyncio.run(run())
    assert usage is None and seconds < 30, "otherwise the time of the setting, 60 s"


def test_a_full_redis_limits_nobody(settings, hot_store):
    before = hot_store.config_get("maxmemory")["maxmemory"]
    hot_store.config_set("maxmemory", 1)
    try:

        async def run():
            client = connections.get_async_connections(settings).redis
            usage = await rate_limits.count_request(client, caller("a", 1), None)
            await connections.close_async_connections()
            return usage

        assert asyncio.run(run()) is None
    finally:
        hot_store.config_set("maxmemory", before)


def test_a_cancelled_count_does_not_mix_up_answers(settings, hot_store):
    """A request whose client leaves: the reply of its command is not that of the next one."""

    async def run():
        client = connections.get_async_connections(settings).redis
        for number in range(20):
            task = asyncio.create_task(rate_limits.count_request(client, caller("a", 1_000), None))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await client.set(b"x", str(number))
            assert await client.get("x") == str(number).encode()
        await client.delete("x")
        await connections.close_async_connections()

    asyncio.run(run())


def test_the_script_is_loaded_again_after_redis_has_forgotten_it(settings, hot_store, patient):
    assert count(settings, "a", 10, 1) == 1
    hot_store.script_flush()
    assert count(settings, "a", 10, 1) == 1
    assert isinstance(hot_store, redis.Redis)
