"""Create the two roles of connections, grant them to the login, and test them.

If the login lacks a privilege for a step, the error contains the SQL that an administrator must run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier

from afterturn.database import queries
from afterturn.database.pool import APP_ROLE, WORKER_ROLE
from afterturn.errors import SettingsError

ROLES = (APP_ROLE, WORKER_ROLE)

_SQL = queries.load("roles")

#: Since this version, a login can administer a role that it created, but cannot set it without a further grant.
_SET_OPTION_VERSION = 160_000


def ensure_roles(connection: psycopg.Connection[Any]) -> None:
    """Create the missing roles, and grant them to the login. Raises SettingsError with the SQL for an administrator."""
    login = Identifier(_login(connection))
    missing = _names(connection, "missing")
    creations = [SQL("CREATE ROLE {} NOLOGIN").format(Identifier(name)) for name in missing]
    _run_or_refuse(connection, creations, [*creations, *(_grant(connection, name, login) for name in ROLES)])
    grants = [_grant(connection, name, login) for name in _names(connection, "not_settable")]
    _run_or_refuse(connection, grants, grants)
    if refused := _names(connection, "not_settable"):
        raise _refusal(connection, "it may not take a role", [_grant(connection, name, login) for name in refused])


def verify_roles(connection: psycopg.Connection[Any]) -> None:
    """Switch to each role and read with it, as connections will. Raises SettingsError that names missing privileges."""
    usages = [
        SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(row["schema"]), Identifier(row["role"]))
        for row in connection.execute(_SQL["not_usable"], {"roles": list(ROLES)}).fetchall()
    ]
    _run_or_refuse(connection, usages, usages)
    for name in ROLES:
        try:
            connection.execute(SQL("SET ROLE {}; {}").format(Identifier(name), SQL(_SQL["trial"])))
        except (errors.InsufficientPrivilege, errors.UndefinedObject, errors.UndefinedFunction) as error:
            raise _refusal(connection, f"as {name}: {error.diag.message_primary}", usages) from error
        finally:
            connection.execute("RESET ROLE")


def _login(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT current_user::text AS name").fetchone()
    assert row is not None
    return str(row["name"])


def _names(connection: psycopg.Connection[Any], query: str) -> list[str]:
    privilege = "SET" if connection.info.server_version >= _SET_OPTION_VERSION else "MEMBER"
    rows = connection.execute(_SQL[query], {"roles": list(ROLES), "privilege": privilege}).fetchall()
    return [row["name"] for row in rows]


def _grant(connection: psycopg.Connection[Any], role: str, login: Identifier) -> Composed:
    options = " WITH SET TRUE, INHERIT FALSE" if connection.info.server_version >= _SET_OPTION_VERSION else ""
    return SQL("GRANT {} TO {}{}").format(Identifier(role), login, SQL(options))


def _run_or_refuse(
    connection: psycopg.Connection[Any], statements: Sequence[Composed], needed: Sequence[Composed]
) -> None:
    """Run statements. If the login lacks a privilege, raise SettingsError with the SQL for an administrator."""
    for statement in statements:
        try:
            connection.execute(statement)
        except (errors.DuplicateObject, errors.UniqueViolation):
            # Roles belong to the whole server: another database was prepared at the same time.
            continue
        except errors.InsufficientPrivilege as error:
            raise _refusal(connection, str(error.diag.message_primary), needed) from error


def _refusal(connection: psycopg.Connection[Any], reason: str, needed: Sequence[Composed]) -> SettingsError:
    commands = "; ".join(statement.as_string(connection) for statement in needed)
    advice = f"Let an administrator run: {commands}; — then repeat `afterturn migrate`" if commands else ""
    return SettingsError(f"the login of AFTERTURN_POSTGRES_URL lacks a privilege: {reason}. {advice}".strip())
