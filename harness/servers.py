"""Servers for one bench or one run of tests, in a directory that is removed afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from psycopg.sql import SQL, Composed, Identifier

from afterturn import settings as settings_module
from afterturn.client import connections
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.settings import PREFIX, Settings


@contextmanager
def directory() -> Iterator[Path]:
    """Yield a data directory, and remove it at the end of the block."""
    # A server that is ending may still write its last file.
    with tempfile.TemporaryDirectory(prefix="afterturn-bench-", ignore_cleanup_errors=True) as path:
        yield Path(path)


@contextmanager
def hot_store() -> Iterator[Settings]:
    """Run a redis-server with afterturn's own configuration (append-only file, fsync each second); yield settings."""
    with directory() as data_dir, RedisServer(data_dir) as server:
        try:
            yield settings_module.load({f"{PREFIX}REDIS_URL": server.url})
        finally:
            connections.close_connections()


@contextmanager
def pair(directory: Path) -> Iterator[tuple[RedisServer, PostgresServer]]:
    """Run a redis-server and a PostgreSQL in a directory."""
    with RedisServer(directory) as redis_server, PostgresServer(directory, durable=False) as postgres:
        yield redis_server, postgres


def empty(settings: Settings, owner_url: str | None = None) -> None:
    """Remove every key of the Redis database, and every row but the migrations and the embedding spaces.

    Args:
        settings: the servers.
        owner_url: the database as a superuser, if the login of the settings is none.
    """
    with redis.Redis.from_url(settings.redis_url) as client:
        client.flushdb()
    with psycopg.connect(owner_url or settings.postgres_url.get_secret_value(), autocommit=True) as connection:
        empty_tables(connection)


def empty_tables(connection: psycopg.Connection) -> None:
    """Remove every row but the migrations and the embedding spaces.

    Args:
        connection: of a superuser, in autocommit mode. It checks no foreign keys afterwards.
    """
    tables = connection.execute(_USED_TABLES).fetchall()
    if statements := [_emptied(table, size_bytes) for table, size_bytes in tables]:
        # All tables are emptied, so foreign keys are not checked and the order does not matter.
        connection.execute(SQL("; ").join([SQL("SET session_replication_role = replica"), *statements]))


#: The tables that may have rows, with their bytes.
_USED_TABLES = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
  AND relname NOT LIKE '%yoyo%' AND relname NOT IN ('embedding_spaces', 'applied_migrations')
"""
#: TRUNCATE creates new files for the table and each index. For a small table, DELETE takes a hundredth of the time.
SMALL_BYTES = 256 * 1024


def _emptied(table: str, size_bytes: int) -> Composed:
    statement = SQL("DELETE FROM {}") if size_bytes <= SMALL_BYTES else SQL("TRUNCATE {} CASCADE")
    return statement.format(Identifier(table))


def own_settings(**overrides: object) -> Settings:
    """Return the settings of the environment without its servers (a bench starts its own), and with `overrides`."""
    kept = {name: value for name, value in os.environ.items() if name.removeprefix(PREFIX) not in _SERVERS}
    return settings_module.load(_without_none(kept, overrides))


_SERVERS = ("REDIS_URL", "BROKER_URL", "POSTGRES_URL")


def _without_none(kept: Mapping[str, str], overrides: Mapping[str, object]) -> dict[str, str]:
    given = {PREFIX + name.upper(): str(value) for name, value in overrides.items() if value is not None}
    return dict(kept) | given
