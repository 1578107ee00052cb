"""A Redis that would lose turns is refused at every start: by workers, the API, `afterturn up`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis
from redis.exceptions import RedisError

from afterturn.errors import SettingsError
from afterturn.hot import server_requirements
from afterturn.settings import Settings

AFTERTURN = [sys.executable, "-m", "api_shim.cli.main"]


@pytest.fixture
def evicting(hot_store: redis.Redis) -> Iterator[str]:
    """A Redis that deletes keys when its memory is full."""
    hot_store.config_set("maxmemory-policy", "allkeys-lru")
    yield "allkeys-lru"
    hot_store.config_set("maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("worker", "fast"), marks=pytest.mark.slow),
        ("worker", "slow"),
        ("api", "--port", "0"),
        pytest.param(("up", "--no-api", "--no-flower"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_an_evicting_redis_is_refused(evicting: str, settings: Settings, tmp_path, command: tuple[str, ...]) -> None:
    urls = {"AFTERTURN_REDIS_URL": settings.redis_url, "AFTERTURN_DATA_DIR": str(tmp_path)}
    ended = subprocess.run(
        [*AFTERTURN, *command], env=os.environ | urls, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert ended.returncode == 2, ended
    assert "error [settings_error]: the Redis of AFTERTURN_REDIS_URL deletes keys" in ended.stderr
    assert "maxmemory-policy allkeys-lru" in ended.stderr and "noeviction" in ended.stderr


@pytest.mark.parametrize("policy", ["volatile-lru", "allkeys-random", "volatile-ttl", "allkeys-lfu"])
def test_every_policy_but_one_is_refused(hot_store: redis.Redis, policy: str) -> None:
    hot_store.config_set("maxmemory-policy", policy)
    try:
        with pytest.raises(SettingsError, match=policy):
            server_requirements.require(hot_store)
    finally:
        hot_store.config_set("maxmemory-policy", "noeviction")
    server_requirements.require(hot_store)


def test_it_is_seen_without_the_right_to_config(hot_store: redis.Redis, settings: Settings, evicting: str) -> None:
    """As with managed servers, which forbid CONFIG."""
    hot_store.acl_setuser("guest", enabled=True, passwords=["+guest"], commands=["+info", "+ping"], keys=["*"])
    try:
        with redis.Redis.from_url(settings.redis_url.replace("redis://:", "redis://guest:")) as client:
            client.connection_pool.connection_kwargs |= {"username": "guest", "password": "guest"}
            with pytest.raises(SettingsError, match="allkeys-lru"):
                server_requirements.require(client)
    finally:
        hot_store.acl_deluser("guest")


def test_without_the_right_to_info_it_is_used_with_a_warning(
    hot_store: redis.Redis, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    hot_store.acl_setuser("guest", enabled=True, passwords=["+guest"], commands=["+ping"], keys=["*"])
    try:
        with redis.Redis.from_url(settings.redis_url) as client:
            client.connection_pool.connection_kwargs |= {"username": "guest", "password": "guest"}
            server_requirements.require(client)
        assert "cannot check" in caplog.text
    finally:
        hot_store.acl_deluser("guest")


def test_a_redis_that_does_not_answer_is_not_taken_for_a_good_one() -> None:
    with redis.Redis.from_url("redis://127.0.0.1:1/0") as client, pytest.raises(RedisError):
        server_requirements.require(client)


def test_an_old_redis_is_refused(hot_store: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a newer one were needed: an old one is not at hand."""
    monkeypatch.setattr(server_requirements, "OLDEST", (99, 1))
    with pytest.raises(SettingsError, match=r"AFTERTURN_REDIS_URL is Redis [\d.]+; 99\.1 or newer is needed"):
        server_requirements.require(hot_store)
