"""Migrate a database to the schema of this release (yoyo-migrations)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from afterturn import extras
from afterturn.database import extension, poolers, queries, roles, schema
from afterturn.database.connect_errors import describe_error
from afterturn.database.connection_string import check_connection_string
from afterturn.errors import SettingsError

MINIMUM_POSTGRES = 150000

#: Key of the advisory lock under which migrations run, so that only one process migrates at a time. The server releases
#: it when the connection ends, also when the process is killed (yoyo's own lock is a row that would stay).
_ADVISORY_LOCK_KEY = 0x61667465

_SQL = queries.load("connection")


def apply_migrations(postgres_url: str, finish: Callable[[psycopg.Connection[DictRow]], None]) -> list[str]:
    """Apply the missing migrations and return their names, oldest first. Then test both roles.

    Args:
        postgres_url: the database, with a login that may create tables and roles.
        finish: further preparation of the migrated database; called under the same lock.

    Raises MemoryUnavailable when the server does not answer; DatabaseMisconfigured when the URL leads to a pooler in
    transaction mode; SettingsError when the server is too old, has no pgvector, or the login lacks a privilege (with
    the SQL for an administrator); SchemaMismatch when the schema is of a newer release; MissingExtra when yoyo is not
    installed.
    """
    extras.require("worker", "a migration")
    url = check_connection_string(postgres_url)
    with _open_connection(url) as connection, _explaining_privileges(connection):
        poolers.check_pooler(connection, url)
        _check_server(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK_KEY,))
        connection.execute(_SQL["search_path"])
        missing = schema.list_missing(connection)
        roles.ensure_roles(connection)
        if missing:
            _check_may_create(connection)
            extension.ensure_vector(connection)
            connection.execute(_SQL["search_path"])
            _apply_missing(url)
        if schema.may_change(connection):
            schema.record_applied(connection)
            finish(connection)
        roles.verify_roles(connection)
        return missing


@contextmanager
def _open_connection(url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """Open a connection of the login itself. Raises MemoryUnavailable."""
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=10, row_factory=dict_row) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise describe_error(error) from error


@contextmanager
def _explaining_privileges(connection: psycopg.Connection[DictRow]) -> Iterator[None]:
    """Raise SettingsError with the SQL for an administrator if the login lacks a privilege."""
    try:
        yield
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidSchemaName) as error:
        raise SettingsError(
            f"the login of AFTERTURN_POSTGRES_URL lacks a privilege: {error.diag.message_primary}. "
            f"{schema.describe_owner(connection)}"
        ) from error


def _check_may_create(connection: psycopg.Connection[DictRow]) -> None:
    # yoyo would report no error: it continues without its tables.
    if not schema.may_create(connection):
        raise SettingsError(
            f"the login of AFTERTURN_POSTGRES_URL may not create tables. {schema.describe_owner(connection)}"
        )


def _check_server(connection: psycopg.Connection[DictRow]) -> None:
    if connection.info.server_version < MINIMUM_POSTGRES:
        raise SettingsError(f"PostgreSQL 15 or newer is needed; this is {connection.info.server_version // 10000}")


def _apply_missing(url: str) -> None:
    """Apply the missing migrations with yoyo, each in one transaction."""
    import yoyo
    from yoyo.backends import get_backend_class
    from yoyo.connections import parse_uri
    from yoyo.migrations import default_migration_table

    class Backend(get_backend_class("postgresql+psycopg")):  # type: ignore[misc]  # yoyo has no types
        """yoyo's own, with our connection: yoyo reads URLs in another way than libpq."""

        def connect(self, _: Any) -> psycopg.Connection:
            connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
            connection.execute(_SQL["search_path"])
            return connection

    backend = Backend(parse_uri("postgresql+psycopg://"), default_migration_table)
    try:
        backend.init_database()
        with as_file(files("afterturn.database").joinpath("migrations")) as folder:
            backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(folder))))
    finally:
        backend.connection.close()
