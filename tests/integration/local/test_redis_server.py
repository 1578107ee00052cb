"""The embedded redis-server: its data survive restarts and kills, and its errors name the fix."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import redis

from afterturn.errors import LocalServerError, MissingExtra
from afterturn.local import redis_server
from afterturn.local.redis_server import RedisServer


def test_written_data_and_the_url_survive_a_restart(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        url = server.url
        with redis.Redis.from_url(url) as client:
            client.set("turn", "kept")
        server.stop()
        server.start()
        assert server.url == url
        with redis.Redis.from_url(url) as client:
            assert client.get("turn") == b"kept"


def test_acknowledged_data_survive_kill_9(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("turn", "kept")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("turn") == b"kept"


def test_a_new_server_object_finds_the_data(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("turn", "kept")
    with RedisServer(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        assert client.get("turn") == b"kept"


def test_the_configuration_persists_writes_and_evicts_nothing(tmp_path: Path) -> None:
    with RedisServer(tmp_path, appendfsync="always") as server, redis.Redis.from_url(server.url) as client:
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_a_password_is_required(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, redis.Redis(port=server.port) as stranger:
        with pytest.raises(redis.AuthenticationError):
            stranger.ping()
        for secret in (tmp_path / "redis.password", tmp_path / "redis" / "redis.conf"):
            assert secret.stat().st_mode & 0o077 == 0


def test_starting_twice_is_refused(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, pytest.raises(LocalServerError, match="already running"):
        server.start()


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path, impatient: None) -> None:
    with RedisServer(tmp_path), pytest.raises(LocalServerError, match=r"already runs in .* another data directory"):
        RedisServer(tmp_path).start()


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(LocalServerError, match=f"port {port}, for redis; stop the program"):
            RedisServer(tmp_path, port=port).start()


def test_an_error_names_the_missing_binary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'afterturn\[embedded\]', or set AFTERTURN_REDIS_URL"):
        RedisServer(tmp_path).start()


def test_a_redis_server_on_path_is_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.find_binary() == program


def test_an_older_redis_refuses_the_data_of_a_newer_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    monkeypatch.setattr(redis_server, "read_version", lambda _binary: (6, 2, 14))
    with pytest.raises(LocalServerError, match=r"written by Redis 7 or newer, and .* is 6\.2\.14"):
        RedisServer(tmp_path).start()


def test_an_error_names_data_in_a_newer_format(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"REDIS0099" + bytes(64))
    with pytest.raises(LocalServerError, match=r"(?s)written by a newer Redis.*the end of its log .*redis\.log"):
        RedisServer(tmp_path).start()
