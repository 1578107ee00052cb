"""pgvector in the database: create it, or say what an administrator must do."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors
from psycopg.sql import SQL, Identifier

from afterturn.database import queries
from afterturn.errors import SettingsError

_SQL = queries.load("extension")

MINIMUM_VERSION = (0, 7)

_MANAGED = (
    "On a managed server the extension may have to be allowed first (Azure: the parameter azure.extensions; Google, "
    "AWS and others: see their list of extensions)"
)


def ensure_vector(connection: psycopg.Connection[Any]) -> None:
    """Create pgvector if the database does not have it. It may be in any schema. Raises SettingsError."""
    row = connection.execute(_SQL["installed"]).fetchone()
    if row is None:
        _create(connection)
        return
    installed = str(row["version"])
    if not row["is_usable"]:
        names = {"schema": Identifier(row["schema"]), "login": Identifier(row["login"])}
        grant = SQL("GRANT USAGE ON SCHEMA {schema} TO {login}, afterturn_app, afterturn_worker").format(**names)
        raise SettingsError(
            f"the login of AFTERTURN_POSTGRES_URL may not use the schema {row['schema']}, which pgvector is in. Let an "
            f"administrator run: {grant.as_string(connection)}; — then repeat `afterturn migrate`"
        )
    if _parse(installed) < MINIMUM_VERSION:
        raise SettingsError(
            f"pgvector 0.7 or newer is needed; the database of AFTERTURN_POSTGRES_URL has {installed}. Let its owner "
            "run: ALTER EXTENSION vector UPDATE"
        )


def _create(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(_SQL["offered"]).fetchone()
    if row is None:
        raise SettingsError(
            f"the server of AFTERTURN_POSTGRES_URL has no pgvector: install it, or use its image. {_MANAGED}"
        )
    offered = str(row["version"])
    if _parse(offered) < MINIMUM_VERSION:
        raise SettingsError(f"pgvector 0.7 or newer is needed; the server of AFTERTURN_POSTGRES_URL offers {offered}")
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.ObjectNotInPrerequisiteState) as error:
        raise SettingsError(
            f"the login of AFTERTURN_POSTGRES_URL may not create pgvector: {error.diag.message_primary}. Let an "
            "administrator, in this database, run: CREATE EXTENSION vector; — then repeat `afterturn migrate`. "
            f"{_MANAGED}"
        ) from error


def _parse(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
