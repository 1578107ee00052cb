"""The embedded redis-server: its data survive restarts and kills, and its errors name the fix."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
import redis

from afterturn.errors import LocalServerError, MissingExtra
from afterturn.local import redis_binary
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
    assert redis_binary.find_binary() == program


def test_an_older_redis_refuses_the_data_of_a_newer_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    monkeypatch.setattr(redis_binary, "read_version", lambda _binary: (6, 2, 14))
    with pytest.raises(LocalServerError, match=r"written by Redis 7 or newer, and what is here is older: .*6\.2\.14"):
        RedisServer(tmp_path).start()


def test_an_error_names_data_in_a_newer_format(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"REDIS0099" + bytes(64))
    with pytest.raises(LocalServerError, match=r"(?s)written by a newer Redis.*the end of its log .*redis\.log"):
        RedisServer(tmp_path).start()


def _program(path: Path, version: str) -> Path:
    """Make a redis-server that only tells a version, or runs the real one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    real = redis_binary.find_binary()
    path.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo "Redis server v={version} sha=0" && exit\nexec {real} "$@"\n'
    )
    path.chmod(0o755)
    return path


def test_the_program_that_wrote_the_data_is_used_whatever_is_on_path_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = _program(tmp_path / "one" / "redis-server", "7.4.1")
    second = _program(tmp_path / "two" / "redis-server", "6.2.14")
    newer = _program(tmp_path / "three" / "redis-server", "8.0.0")
    data_dir = tmp_path / "data"
    for folder in (first, second, newer):
        monkeypatch.setenv("PATH", f"{folder.parent}:{os.defpath}")
        with RedisServer(data_dir):
            pass
        assert redis_binary.choose_binary(data_dir).path == first


def test_another_program_takes_the_place_of_one_that_is_gone_if_it_is_as_new(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = _program(tmp_path / "one" / "redis-server", "7.4.1")
    older = _program(tmp_path / "two" / "redis-server", "7.2.0")
    newer = _program(tmp_path / "three" / "redis-server", "7.4.2")
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    redis_binary.remember_binary(data_dir, redis_binary.Binary(path=first, version=(7, 4, 1)))
    first.unlink()
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", f"{older.parent}:{os.defpath}")
    with pytest.raises(LocalServerError) as raised:
        RedisServer(data_dir).start()
    message = str(raised.value)
    assert f"written by {first} (Redis 7.4.1), which is gone" in message
    assert f"{older} (Redis 7.2.0)" in message
    assert "Put a redis-server of version 7.4.1 or newer on PATH" in message and "AFTERTURN_REDIS_URL" in message
    monkeypatch.setenv("PATH", f"{newer.parent}:{os.defpath}")
    assert redis_binary.choose_binary(data_dir).path == newer


def test_a_program_that_was_replaced_by_an_older_one_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    replaced = _program(tmp_path / "one" / "redis-server", "6.2.0")
    newer = _program(tmp_path / "two" / "redis-server", "7.4.2")
    redis_binary.remember_binary(tmp_path, redis_binary.Binary(path=replaced, version=(7, 4, 1)))
    monkeypatch.setenv("PATH", f"{newer.parent}:{os.defpath}")
    assert redis_binary.choose_binary(tmp_path).path == newer


@pytest.mark.parametrize("content", ["", "{", "[]", '{"path": 1, "version": "x"}', '{"version": [1]}', "\x00"])
def test_a_damaged_record_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / redis_binary.RECORD).write_text(content)
    assert redis_binary.choose_binary(tmp_path).version
