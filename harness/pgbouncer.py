"""A PgBouncer on loopback, in front of a Postgres server."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from afterturn.local import ports
from afterturn.local.process import ChildProcess

START_SECONDS = 20.0
#: The user for PgBouncer if this process is root: PgBouncer refuses to run as root.
UNPRIVILEGED = "nobody"

_CONFIGURATION = """
[databases]
* = host={host} port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {directory}/users.txt
pool_mode = {pool_mode}
max_client_conn = 500
default_pool_size = 40
{options}
"""


def find_program() -> str | None:
    """Return the path of pgbouncer; None if it is not installed."""
    return shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


@contextmanager
def pgbouncer(directory: Path, server_url: str, pool_mode: str, options: Mapping[str, str] = {}) -> Iterator[str]:
    """Run a PgBouncer and yield the URL through it.

    Args:
        directory: for its configuration and its log.
        server_url: the Postgres behind it; its login is the only one that it admits.
        pool_mode: session, transaction or statement.
        options: further lines of pgbouncer.ini.
    """
    program, server = find_program(), urlsplit(server_url)
    assert program is not None
    port = ports.find_free_port()
    directory.mkdir(parents=True, exist_ok=True)
    _make_readable(directory)
    (directory / "users.txt").write_text(f'"{server.username}" "{unquote(server.password or "")}"\n')
    (directory / "pgbouncer.ini").write_text(
        _CONFIGURATION.format(
            host=server.hostname,
            server_port=server.port,
            port=port,
            directory=directory,
            pool_mode=pool_mode,
            options="\n".join(f"{name} = {value}" for name, value in options.items()),
        )
    )
    user = ["-u", UNPRIVILEGED] if os.geteuid() == 0 else []
    process = ChildProcess(
        "pgbouncer",
        [program, *user, str(directory / "pgbouncer.ini")],
        log_path=directory / "pgbouncer.log",
        working_dir=Path("/"),
        environment={"PATH": os.defpath},
    )
    process.start()
    try:
        process.wait_until_ready(lambda: _listens(port), deadline_seconds=START_SECONDS)
        netloc = f"{server.netloc.rpartition('@')[0]}@127.0.0.1:{port}"
        yield urlunsplit(server._replace(netloc=netloc))
    finally:
        process.kill()


def _make_readable(directory: Path) -> None:
    """Give another user access to the directory; pytest creates its parents for the current user only."""
    for path in (directory, *directory.parents):
        if path.owner() == "root" and path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
