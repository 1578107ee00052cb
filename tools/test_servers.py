"""Run the fundamentals on each kind of servers that is installed here: `make test-servers`.

Each kind is started for one run of pytest, which is told by TEST_POSTGRES_URL (what afterturn uses),
TEST_POSTGRES_OWNER_URL (a superuser, who empties the tables) and TEST_REDIS_URL. A kind that is not installed is
skipped, with the reason.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from afterturn.local import postgres_cluster, redis_binary
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from harness import pgbouncer, servers

#: The variables that a run gets beside those of this process.
Variables = Mapping[str, str]
LOGIN, PASSWORD = "managed", "a-password-of-a-test"
FAILED = "FAILED"
#: Longer than a loaded machine needs for one kind.
SECONDS_PER_KIND = 1_200

#: What the administrator of a managed server does.
_PREPARATION = """
CREATE ROLE {login} LOGIN NOSUPERUSER CREATEROLE PASSWORD {password};
GRANT CREATE ON DATABASE afterturn TO {login};
GRANT CREATE ON SCHEMA public TO {login};
CREATE SCHEMA IF NOT EXISTS {schema};
GRANT USAGE ON SCHEMA {schema} TO PUBLIC;
CREATE EXTENSION vector SCHEMA {schema}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One combination of servers."""

    name: str
    #: Starts it in a directory.
    start: Callable[[Path], Iterator[Variables]]
    #: Why it cannot be started here; empty if it can.
    missing: Callable[[], str] = lambda: ""


@contextmanager
def _managed_postgres(directory: Path, major: str, vector_schema: str = "public") -> Iterator[tuple[str, str]]:
    """Start a Postgres with a login that may create roles and is no superuser. Gives its URL and the superuser's."""
    with PostgresServer(directory, durable=False, major=major) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            names = {"login": Identifier(LOGIN), "schema": Identifier(vector_schema), "password": Literal(PASSWORD)}
            connection.execute(SQL(_PREPARATION).format(**names))
        parts = urlsplit(server.url)
        yield urlunsplit(parts._replace(netloc=f"{LOGIN}:{PASSWORD}@{parts.hostname}:{parts.port}")), server.url


def _postgres(major: str, vector_schema: str = "public") -> Callable[[Path], Iterator[Variables]]:
    def start(directory: Path) -> Iterator[Variables]:
        with _managed_postgres(directory, major, vector_schema) as (url, owner_url):
            yield {"TEST_POSTGRES_URL": url, "TEST_POSTGRES_OWNER_URL": owner_url}

    return start


def _pgbouncer(directory: Path) -> Iterator[Variables]:
    with (
        _managed_postgres(directory, postgres_cluster.NEWEST_MAJOR) as (url, owner_url),
        pgbouncer.pgbouncer(directory / "pgbouncer", url, "session") as through,
    ):
        yield {"TEST_POSTGRES_URL": through, "TEST_POSTGRES_OWNER_URL": owner_url}


def _redis(directory: Path) -> Iterator[Variables]:
    with RedisServer(directory) as server:
        yield {"TEST_REDIS_URL": server.url}


def _missing_pgbouncer() -> str:
    return "" if pgbouncer.find_program() else "pgbouncer is not installed"


def _missing_redis() -> str:
    binary = shutil.which("redis-server")
    if binary is None:
        return "no redis-server is on PATH"
    version = redis_binary.read_version(Path(binary))
    return "" if version >= (7,) else f"the redis-server on PATH is {'.'.join(map(str, version))}"


KINDS = (
    Kind(name="postgres-18-createrole", start=_postgres("18")),
    Kind(name="postgres-16-createrole", start=_postgres("16")),
    Kind(name="pgvector-in-its-own-schema", start=_postgres("18", "extensions")),
    Kind(name="pgbouncer-session", start=_pgbouncer, missing=_missing_pgbouncer),
    Kind(name="redis-7", start=_redis, missing=_missing_redis),
)


def run_kind(kind: Kind, targets: list[str]) -> str:
    """Start the servers and run pytest on them. Return what became of it; print the output if a test failed."""
    if reason := kind.missing():
        return f"skipped: {reason}"
    began = time.monotonic()
    with servers.directory() as directory, contextmanager(kind.start)(directory) as variables:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *targets]
        environment = {**os.environ, **variables}
        try:
            ended = subprocess.run(command, env=environment, timeout=SECONDS_PER_KIND, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            return f"{FAILED}: it took more than {SECONDS_PER_KIND} s"
    if ended.returncode:
        print(f"--- {kind.name}\n{ended.stdout}{ended.stderr}", flush=True)
    outcome = f"{FAILED}" if ended.returncode else "passed"
    return f"{outcome} in {time.monotonic() - began:.0f} s: {ended.stdout.strip().splitlines()[-1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=[kind.name for kind in KINDS], action="append", help="only this one")
    parser.add_argument("targets", nargs="*", default=["tests/fundamentals"], help="what pytest runs")
    arguments = parser.parse_args()
    chosen = [kind for kind in KINDS if not arguments.kind or kind.name in arguments.kind]
    with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
        outcomes = list(threads.map(lambda kind: run_kind(kind, arguments.targets), chosen))
    for kind, outcome in zip(chosen, outcomes, strict=True):
        print(f"{kind.name:28} {outcome}")
    sys.exit(any(outcome.startswith(FAILED) for outcome in outcomes))


if __name__ == "__main__":
    main()
