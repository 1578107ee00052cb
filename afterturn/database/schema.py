"""Compare the schema of a database with the schema of this release, and explain what to do if they differ.

An applied migration never changes: its checksum is stored in the database. An older schema lacks migrations. A newer
schema works, unless one of its migrations is marked as breaking for older releases.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from afterturn.database import queries
from afterturn.database.pool import worker_connection
from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable, SchemaMismatch, SettingsError
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

_SQL = queries.load("schema")

#: The first line of a migration that breaks older releases. Such a migration needs a pause of all processes.
BREAKING_LINE = "-- breaking"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A migration of this release."""

    #: The name of its file, without the suffix.
    migration_id: str
    #: SHA-256 of its file.
    checksum: str
    #: Whether older releases do not work with its schema.
    is_breaking: bool


@functools.cache
def list_migrations() -> tuple[Migration, ...]:
    """Return the migrations of this release, oldest first."""
    folder = files("afterturn.database").joinpath("migrations")
    paths = sorted((path for path in folder.iterdir() if path.name.endswith(".sql")), key=lambda path: path.name)
    return tuple(
        Migration(
            migration_id=path.name.removesuffix(".sql"),
            checksum=hashlib.sha256(path.read_bytes()).hexdigest(),
            is_breaking=path.read_text(encoding="utf-8").startswith(BREAKING_LINE),
        )
        for path in paths
    )


def check_schema(connection: psycopg.Connection[Any]) -> None:
    """Raise SchemaMismatch if this release does not work with the schema of the database."""
    missing = list_missing(connection)
    if missing:
        raise SchemaMismatch(
            f"the schema of AFTERTURN_POSTGRES_URL is older than this release: it lacks {', '.join(missing)}. Run "
            "`afterturn migrate`"
        )


def list_missing(connection: psycopg.Connection[Any]) -> list[str]:
    """Return the migrations of this release that the database lacks, oldest first.

    Raises SchemaMismatch when a newer release has changed the schema so that this one cannot use it; SettingsError when
    a migration was changed after it was applied.
    """
    exists = _read_row(connection, "exists")
    if not exists["has_migrations"]:
        return [migration.migration_id for migration in list_migrations()]
    if exists["has_checksums"]:
        _compare_checksums(connection)
    applied = {row["migration_id"] for row in connection.execute(_SQL["applied"]).fetchall()}
    return [migration.migration_id for migration in list_migrations() if migration.migration_id not in applied]


def _compare_checksums(connection: psycopg.Connection[Any]) -> None:
    known = {migration.migration_id: migration for migration in list_migrations()}
    for row in connection.execute(_SQL["checksums"]).fetchall():
        name = row["migration_id"]
        if name not in known and row["is_breaking"]:
            raise SchemaMismatch(
                "the schema of AFTERTURN_POSTGRES_URL is newer than this release, which cannot use it: migration "
                f"{name} is of a later one. Install that"
            )
        if name in known and row["checksum"] != known[name].checksum:
            raise SettingsError(
                f"migration {name} was changed after it was applied to the database of AFTERTURN_POSTGRES_URL: install "
                "a release whose files are unchanged"
            )


def record_applied(connection: psycopg.Connection[Any]) -> None:
    """Keep the checksums of the migrations, and let every login read which are applied."""
    for migration in list_migrations():
        connection.execute(
            _SQL["record"],
            {
                "migration_id": migration.migration_id,
                "checksum": migration.checksum,
                "is_breaking": migration.is_breaking,
            },
        )
    connection.execute(_SQL["grant_reading"])


def may_change(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the login owns the schema."""
    row = connection.execute(_SQL["owner"]).fetchone()
    return row is not None and bool(row["may_change"])


def may_create(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the login may create tables."""
    return bool(_read_row(connection, "may_create")["may_create"])


def describe_owner(connection: psycopg.Connection[Any]) -> str:
    """Return what an administrator must do so that the login can migrate."""
    row = connection.execute(_SQL["owner"]).fetchone()
    if row is not None and not row["may_change"]:
        return f"The schema belongs to the login {row['owner']}: run `afterturn migrate` with it"
    names = {name: Identifier(value) for name, value in _read_row(connection, "login").items()}
    commands = SQL(
        "GRANT CREATE ON DATABASE {database} TO {login}; CREATE SCHEMA IF NOT EXISTS {schema}; "
        "GRANT CREATE, USAGE ON SCHEMA {schema} TO {login}"
    ).format(**names)
    return f"Let an administrator run: {commands.as_string(connection)}; — then repeat `afterturn migrate`"


def check_at_start(settings: Settings) -> None:
    """Check the schema when a process starts. An unavailable server is only logged: it may start later.

    Raises SchemaMismatch, or DatabaseMisconfigured for another reason why no call can succeed.
    """
    try:
        with worker_connection(settings) as connection:
            check_schema(connection)
    except DatabaseMisconfigured:
        raise
    except MemoryUnavailable as error:
        logger.warning("the schema is not checked: %s", error)


def _read_row(connection: psycopg.Connection[Any], query: str) -> dict[str, Any]:
    row = connection.execute(_SQL[query]).fetchone()
    assert row is not None
    return dict(row)
