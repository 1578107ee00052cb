"""Faults of a Redis that is reachable but refuses commands: one function per kind of refusal."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import urlsplit

import redis
from redis.exceptions import ResponseError

from afterturn.local.redis_server import RedisServer
from harness.waiting import wait_until

#: No server listens there, so that a replica of it stays what it was.
NOWHERE = ("127.0.0.1", "1")
_CLIENTS = ("normal", "pubsub")


@contextlib.contextmanager
def read_only(server: RedisServer) -> Iterator[None]:
    """READONLY: it is demoted to a replica, as in a failover, and connections stay open."""
    with _administrator(server) as client:
        client.replicaof(*NOWHERE)
        try:
            yield
        finally:
            client.replicaof("no", "one")


@contextlib.contextmanager
def full_memory(server: RedisServer) -> Iterator[None]:
    """OOM: it is at its maxmemory."""
    with _administrator(server) as client:
        client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


@contextlib.contextmanager
def unwritable_disk(server: RedisServer) -> Iterator[None]:
    """MISCONF: its snapshot fails, and so it refuses writes, and PING."""
    with _administrator(server) as client:
        settings = client.config_get("*d*")
        # Where the snapshot's file is a directory, it cannot be replaced.
        snapshot = Path(str(settings["dir"])) / str(settings["dbfilename"])  # type: ignore[index]
        (snapshot / "occupied").mkdir(parents=True)
        client.config_set("stop-writes-on-bgsave-error", "yes")
        client.config_set("save", "3600 1")
        with contextlib.suppress(ResponseError):
            client.bgsave()
        wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", seconds=60)  # type: ignore[index]
        try:
            yield
        finally:
            client.config_set("stop-writes-on-bgsave-error", "no")
            client.config_set("save", "")
            shutil.rmtree(snapshot)


@contextlib.contextmanager
def other_password(server: RedisServer) -> Iterator[None]:
    """WRONGPASS: its password was changed, and connections were closed."""
    with _administrator(server) as client:
        client.config_set("requirepass", "another")
        _close_others(client)
        try:
            yield
        finally:
            client.config_set("requirepass", urlsplit(server.url).password or "")


@contextlib.contextmanager
def no_password(server: RedisServer) -> Iterator[None]:
    """NOAUTH: the user with the password loses all rights."""
    with _administrator(server) as client:
        password = urlsplit(server.url).password or ""
        client.execute_command("ACL", "SETUSER", "root", "on", "nopass", "~*", "&*", "+@all")  # type: ignore[no-untyped-call]
        client.execute_command("AUTH", "root", "any")  # type: ignore[no-untyped-call]
        client.execute_command("ACL", "SETUSER", "default", "-@all")  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            client.execute_command("ACL", "SETUSER", "default", "+@all", f">{password}")  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def too_many_clients(server: RedisServer) -> Iterator[None]:
    """Max number of clients reached: every new connection is refused, and the old ones are closed."""
    with _administrator(server) as client:
        before = client.config_get("maxclients")["maxclients"]  # type: ignore[index]
        client.config_set("maxclients", 1)
        _close_others(client)
        try:
            yield
        finally:
            client.config_set("maxclients", before)


@contextlib.contextmanager
def hanging(server: RedisServer) -> Iterator[None]:
    """It takes connections and never answers."""
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def _administrator(server: RedisServer) -> Iterator[redis.Redis]:
    """Yield a client with one connection, which is authenticated and stays open."""
    with redis.Redis.from_url(server.url, single_connection_client=True) as client:
        client.ping()
        yield client


def _close_others(client: redis.Redis) -> None:
    for kind in _CLIENTS:
        client.client_kill_filter(_type=kind, skipme=True)


REFUSALS: dict[str, Callable[[RedisServer], AbstractContextManager[None]]] = {
    "READONLY": read_only,
    "OOM": full_memory,
    "MISCONF": unwritable_disk,
    "WRONGPASS": other_password,
    "NOPERM": no_password,
    "max clients": too_many_clients,
    "hangs": hanging,
}
