"""An embedded redis-server, on this machine's loopback interface."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Literal, Self

import redis

from afterturn.errors import LocalServerError
from afterturn.local import passwords, ports, redis_binary
from afterturn.local.process import ChildProcess

START_SECONDS = 30.0
#: When it ends the server writes the rest of the append-only file.
STOP_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 1.0

#: Settings that Redis 6.2, 7 and 8 have. afterturn requires `maxmemory-policy noeviction`: an evicted turn is a lost
#: turn. There are no RDB snapshots: the append-only file contains everything.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
daemonize no
dir .
appendonly yes
appendfsync {appendfsync}
save ""
maxmemory-policy noeviction
"""


class RedisServer:
    """One redis-server process: `with RedisServer(directory) as server: redis.Redis.from_url(server.url)`."""

    def __init__(
        self,
        data_dir: Path,
        port: int = 0,
        appendfsync: Literal["always", "everysec", "no"] = "everysec",
    ) -> None:
        """Configure the server without starting it.

        Args:
            data_dir: the data go to its subdirectory redis.
            port: the port; 0: a free one, which is kept for later starts.
            appendfsync: when Redis writes the append-only file to the disk.
        """
        self.port = port
        self._appendfsync = appendfsync
        self._directory = data_dir / "redis"
        self._log_path = data_dir / "logs" / "redis.log"
        self._password_path = data_dir / "redis.password"
        self._password = ""
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The URL with its password, valid after a start. It does not change when the server is started again."""
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/0"

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises MissingExtra when there is no redis-server; LocalServerError, which says what to do, when the port is in
        use, and when a newer Redis wrote the data.
        """
        if self.process is not None and self.process.is_running:
            raise LocalServerError("redis is already running")
        data_dir = self._directory.parent
        binary = redis_binary.choose_binary(data_dir)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._password = passwords.ensure_password(self._password_path)
        self.port = ports.start_on_port(self.port, "redis", lambda port: self._start_on(binary.path, port))
        redis_binary.remember_binary(data_dir, binary)
        return self

    def _start_on(self, binary: Path, port: int) -> None:
        settings = CONFIGURATION.format(
            host=ports.LOOPBACK, port=port, password=self._password, appendfsync=self._appendfsync
        )
        passwords.write_private(self._directory / "redis.conf", settings)
        self.process = ChildProcess(
            "redis",
            [str(binary), "redis.conf"],
            log_path=self._log_path,
            working_dir=self._directory,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
            orphan_signal=signal.SIGTERM,
            lock_path=self._directory / "lock",
        )
        self.process.start()
        try:
            self.process.wait_until_ready(lambda: self._answers(port), deadline_seconds=START_SECONDS)
        except LocalServerError as error:
            raise _explain(error) from None

    def _answers(self, port: int) -> bool:
        """Return whether our own process answers on the port and has loaded its data."""
        assert self.process is not None
        with redis.Redis(
            host=ports.LOOPBACK, port=port, password=self._password, socket_timeout=PROBE_TIMEOUT_SECONDS
        ) as client:
            try:
                server = client.info("server")
                client.ping()
            except redis.RedisError:
                return False
        return bool(server["process_id"] == self.process.pid)

    def stop(self) -> None:
        """Shut the server down. Its data are on the disk afterwards. Does nothing when it does not run."""
        if self.process is not None:
            self.process.stop(signal.SIGTERM, grace_seconds=STOP_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL. A later `start()` uses the same directory and port."""
        if self.process is not None:
            self.process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _explain(error: LocalServerError) -> LocalServerError:
    """Put the cause before the end of the log, if the log shows a known cause."""
    if "Can't handle RDB format version" in str(error):
        return LocalServerError(
            "the data were written by a newer Redis; put that redis-server on PATH, or use another data directory, "
            f"or set AFTERTURN_REDIS_URL. {error}"
        )
    return error
