"""An embedded PostgreSQL with pgvector, on this machine's loopback interface."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Self

import psycopg

from afterturn.errors import LocalServerError
from afterturn.local import passwords, ports, postgres_cluster, postgres_login
from afterturn.local.process import ChildProcess

DATABASE = "afterturn"
#: After a crash the server replays its log before it is ready; max_wal_size limits the length of the log.
START_SECONDS = 60.0
#: A fast shutdown ends the sessions and writes a checkpoint.
STOP_SECONDS = 30.0
#: In an immediate shutdown the server kills processes that do not end within 5 s.
STOP_AT_ONCE_SECONDS = 7.0
PROBE_TIMEOUT_SECONDS = 2

#: TCP on loopback only, and no socket in a shared folder. The log contains neither failed statements nor error details,
#: which quote rows: the words of a forgotten user must not stay in the log.
SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    # Old segments of the write-ahead log are deleted, not reused: they would contain forgotten data until overwritten.
    "wal_recycle": "off",
}
#: For tests: a crash of the operating system may destroy the data, but a killed server loses no commit. (With
#: synchronous_commit=off it would; that setting gains nothing when no write waits for the disk.) Logins with a random
#: password need no slow hash, which is half of the time of a connection.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "scram_iterations": "1"}


class PostgresServer:
    """One PostgreSQL: `with PostgresServer(directory) as server: psycopg.connect(server.url)`."""

    def __init__(
        self, data_dir: Path, port: int = 0, durable: bool = True, major: str = postgres_cluster.NEWEST_MAJOR
    ) -> None:
        """Configure the server without starting it.

        Args:
            data_dir: the data go to its subdirectory postgres.
            port: the port; 0: a free one, which is kept for later starts.
            durable: whether commits survive a crash of the operating system. Only tests use False.
            major: the version of a new data directory: one that the wheel has.
        """
        self.port = port
        self._durable = durable
        self._directory = data_dir / "postgres"
        self._lock_path = data_dir / "postgres.lock"
        self._log_path = data_dir / "logs" / "postgres.log"
        self._major = major
        self._password = ""
        self.process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """The URL of the database, with the superuser's login. It does not change when the server is started again."""
        return self._url(DATABASE, self.port)

    def create_login(self) -> str:
        """Create the login of the parts, which is no superuser, and return the URL with it. Do it after migrating."""
        password = passwords.ensure_password(self._directory / f"{postgres_login.LOGIN}.password")
        postgres_login.ensure_login(self.url, password)
        return f"postgresql://{postgres_login.LOGIN}:{password}@{ports.LOOPBACK}:{self.port}/{DATABASE}"

    def _url(self, database: str, port: int) -> str:
        return f"postgresql://{postgres_cluster.USER}:{self._password}@{ports.LOOPBACK}:{port}/{database}"

    def start(self) -> Self:
        """Start the server and return when it answers. The first start creates the data directory and the database.

        Raises LocalServerError, which says what to do, for the reasons of postgres_cluster.prepare_cluster, when the
        port is in use, and when another server uses the same directory.
        """
        if self.process is not None and self.process.is_running:
            raise LocalServerError("postgres is already running")
        cluster = postgres_cluster.prepare_cluster(self._directory, durable=self._durable, major=self._major)
        self._password = cluster.password
        _remove_stale_pid_file(self._directory)
        self.port = ports.start_on_port(self.port, "postgres", lambda port: self._start_on(cluster, port))
        return self

    def _start_on(self, cluster: postgres_cluster.Cluster, port: int) -> None:
        settings = SETTINGS | {"port": str(port)} | ({} if self._durable else NOT_DURABLE)
        arguments = [*cluster.identity.prefix, str(cluster.programs / "postgres"), "-D", str(cluster.directory)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        self.process = ChildProcess(
            "postgres",
            arguments,
            log_path=self._log_path,
            working_dir=cluster.directory,
            environment=postgres_cluster.ENVIRONMENT,
            orphan_signal=signal.SIGQUIT,
            lock_path=self._lock_path,
        )
        self.process.start()
        self.process.wait_until_ready(lambda: self._is_ready(port), deadline_seconds=START_SECONDS)

    def _is_ready(self, port: int) -> bool:
        """Return whether the server answers. Create the database if it does not exist."""
        url = self._url("postgres", port)
        try:
            with psycopg.connect(url, connect_timeout=PROBE_TIMEOUT_SECONDS, autocommit=True) as connection:
                if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchall():
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Shut the server down and end all sessions. Does nothing when it does not run."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT)
        if not self.process.wait(STOP_SECONDS):
            self.stop_at_once()

    def stop_at_once(self) -> None:
        """End the server without a checkpoint, so that the next start replays its log.

        Unlike kill(), it leaves no segment in the system's shared memory.
        """
        if self.process is not None:
            self.process.stop(signal.SIGQUIT, grace_seconds=STOP_AT_ONCE_SECONDS)

    def kill(self) -> None:
        """Send SIGKILL to the server and its sessions. A later `start()` uses the same directory and port."""
        if self.process is None or not self.process.is_running:
            return
        sessions = _child_process_ids(self.process.pid)
        self.process.kill()
        for process_id in sessions:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process_id, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _child_process_ids(process_id: int) -> list[int]:
    """Return the server's own processes, each in its own group; none on systems without this file in /proc."""
    with contextlib.suppress(OSError):
        return [int(word) for word in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]
    return []


def _remove_stale_pid_file(directory: Path) -> None:
    """Remove the postmaster.pid of a killed server if another program has its process id now.

    PostgreSQL would take that program for a running server and refuse to start. Its second check, of the shared memory
    block, still protects the data if this decision is wrong.
    """
    pid_file = directory / "postmaster.pid"
    with contextlib.suppress(OSError, IndexError):
        process_id = pid_file.read_text().split()[0]
        if Path("/proc/self/comm").exists() and Path(f"/proc/{process_id}/comm").read_text().strip() != "postgres":
            pid_file.unlink()
