"""A Redis with a replica and a Sentinel that can fail over on request, each a real process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Self

import redis
from redis.exceptions import RedisError

from afterturn.local import ports
from afterturn.local.process import ChildProcess
from harness.waiting import wait_until

MASTER = "mymaster"


def is_installed() -> bool:
    """Return whether there is a redis-server with the Sentinel mode on PATH."""
    return shutil.which("redis-server") is not None


class Sentinels:
    """`with Sentinels(directory) as servers: settings of servers.url`."""

    def __init__(self, directory: Path) -> None:
        """Configure the servers without starting them."""
        self._directory = directory
        self._ports = {name: ports.find_free_port() for name in ("one", "two", "sentinel")}
        self._processes: list[ChildProcess] = []
        self.url = f"sentinel://127.0.0.1:{self._ports['sentinel']}/{MASTER}/0"

    def __enter__(self) -> Self:
        self._start("one", "appendonly yes\n")
        self._start("two", f"appendonly yes\nreplicaof 127.0.0.1 {self._ports['one']}\n")
        watched = f"sentinel monitor {MASTER} 127.0.0.1 {self._ports['one']} 1\n"
        limits = f"sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 3000\n"
        self._start("sentinel", watched + limits, "--sentinel")
        with self._client("sentinel") as client:
            wait_until(lambda: self._has_replica(client), seconds=60)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()

    def fail_over(self) -> None:
        """Make the replica the master, and wait until it is."""
        with self._client("sentinel") as client:
            before = self._master_port(client)
            client.execute_command("SENTINEL", "FAILOVER", MASTER)
            wait_until(lambda: self._master_port(client) != before, seconds=60)

    def _start(self, name: str, settings: str, *options: str) -> None:
        directory = self._directory / name
        directory.mkdir(parents=True)
        path = directory / "redis.conf"
        path.write_text(f'port {self._ports[name]}\nbind 127.0.0.1\ndir {directory}\nsave ""\n{settings}')
        binary = shutil.which("redis-server")
        assert binary is not None
        process = ChildProcess(
            name, [binary, str(path), *options], log_path=directory / "log", working_dir=directory, environment={}
        )
        process.start()
        self._processes.append(process)
        process.wait_until_ready(lambda: self._answers(name), deadline_seconds=20)

    def _client(self, name: str) -> redis.Redis:
        return redis.Redis(port=self._ports[name], decode_responses=True)

    def _answers(self, name: str) -> bool:
        with self._client(name) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def _master_port(self, client: redis.Redis) -> int:
        return int(client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)[1])  # type: ignore[no-untyped-call]

    def _has_replica(self, client: redis.Redis) -> bool:
        replicas = client.sentinel_slaves(MASTER)  # type: ignore[no-untyped-call]
        return bool(replicas) and all(replica["flags"] == "slave" for replica in replicas)
