"""Migrate a database to the schema of this release (yoyo-migrations)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files
from urllib.parse import urlsplit, urlunsplit

import psycopg

from afterturn import extras
from afterturn.database import sqlstates
from afterturn.database.sqlstates import Kind
from afterturn.errors import MemoryUnavailable, SettingsError

MINIMUM_POSTGRES = 150000
MINIMUM_PGVECTOR = (0, 7)

#: Key of the advisory lock under which migrations run, so that only one process migrates at a time. The server releases
#: it when the connection ends, also when the process is killed (yoyo's own lock is a row that would stay).
_ADVISORY_LOCK_KEY = 0x61667465


def apply_migrations(postgres_url: str, finish: Callable[[psycopg.Connection], None]) -> list[str]:
    """Apply the missing migrations and return their names, oldest first.

    Args:
        postgres_url: the database, with a login that may create tables and roles.
        finish: further preparation of the migrated database; called under the same lock.

    Raises MemoryUnavailable when the server does not answer; SettingsError when the server is too old, has no pgvector,
    or the login may not create roles; MissingExtra when yoyo is not installed.
    """
    extras.require("worker", "a migration")
    try:
        with psycopg.connect(postgres_url, autocommit=True, connect_timeout=10) as connection:
            _check_server(connection)
            connection.execute("SELECT pg_advisory_lock(%s)", (_ADVISORY_LOCK_KEY,))
            applied = _apply_missing(postgres_url)
            finish(connection)
            return applied
    except psycopg.errors.InsufficientPrivilege as error:
        raise SettingsError(
            f"the login of AFTERTURN_POSTGRES_URL lacks a privilege that the schema needs: {error}. Run `afterturn "
            "migrate` as a role with CREATEROLE, or create the roles afterturn_app and afterturn_worker and grant both "
            "to the login."
        ) from error
    except psycopg.OperationalError as error:
        if sqlstates.kind_of(error) is not Kind.OUTAGE:
            raise sqlstates.public_error(error) from error
        raise MemoryUnavailable(f"AFTERTURN_POSTGRES_URL cannot be reached: {error}") from error


def _check_server(connection: psycopg.Connection) -> None:
    if connection.info.server_version < MINIMUM_POSTGRES:
        raise SettingsError(f"PostgreSQL 15 or newer is needed; this is {connection.info.server_version // 10000}")
    row = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'").fetchone()
    if row is None:
        raise SettingsError("the server of AFTERTURN_POSTGRES_URL has no pgvector: install it, or use its image")
    version = tuple(int(part) for part in row[0].split(".")[:2])
    if version < MINIMUM_PGVECTOR:
        raise SettingsError(f"pgvector 0.7 or newer is needed; this server offers {row[0]}")


def _apply_missing(postgres_url: str) -> list[str]:
    import yoyo

    backend = yoyo.get_backend(_yoyo_url(postgres_url))
    try:
        with as_file(files("afterturn.database").joinpath("migrations")) as folder:
            missing = backend.to_apply(yoyo.read_migrations(str(folder)))
            names = [migration.id for migration in missing]
            backend.apply_migrations(missing)
            return names
    finally:
        backend.connection.close()


def _yoyo_url(postgres_url: str) -> str:
    parts = urlsplit(postgres_url)
    return urlunsplit(parts._replace(scheme="postgresql+psycopg"))
