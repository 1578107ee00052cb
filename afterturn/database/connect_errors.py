"""Translate errors of the driver for the caller: the server is unavailable, or its set-up is wrong.

psycopg's message about a failed connection names host, port, login and the server's answer, and never the password.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolTimeout

from afterturn.database import sqlstates
from afterturn.database.sqlstates import Kind
from afterturn.errors import (
    AfterturnError,
    DatabaseMisconfigured,
    InvalidInput,
    MemoryUnavailable,
    SchemaMismatch,
    UserMerged,
)

#: A statement names something that the schema does not have: a table, a column, a function, a type or a role.
_UNKNOWN_NAME = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedObject,
    errors.InvalidSchemaName,
    # SET ROLE with a role that does not exist.
    errors.InvalidParameterValue,
)

#: What the function lock_own_documents raises.
_USER_MERGED = "AT001"

#: What to do about an error of the kind SETUP, by its class.
_FIXES = {
    "0A": "this server cannot do it: run `afterturn migrate`, and check its version (AFTERTURN_POSTGRES_URL)",
    "28": "check the login and the password in AFTERTURN_POSTGRES_URL",
    "3D": "the database does not exist: check AFTERTURN_POSTGRES_URL",
    "3F": "the schema does not exist: check AFTERTURN_POSTGRES_URL, and run `afterturn migrate`",
    "42": "the schema is not the one of this release: run `afterturn migrate`",
}


class ConnectFailed(psycopg.OperationalError):
    """No connection could be opened. It is one of the errors of an unavailable server, for which work waits."""

    def __init__(self, cause: MemoryUnavailable) -> None:
        super().__init__(str(cause))
        #: The error for the caller of a client.
        self.cause = cause


def public_error(error: BaseException) -> AfterturnError:
    """Return the error for the caller of a client or a command: the cause, the setting, and the fix."""
    if _sqlstate(error) == _USER_MERGED:
        return UserMerged()
    if not isinstance(error, ConnectFailed) and sqlstates.kind_of(error) is Kind.DATA:
        return InvalidInput(f"Postgres can neither store nor search for this input ({sqlstates.describe(error)})")
    return describe_error(error)


def describe_error(error: BaseException) -> MemoryUnavailable:
    """Return the error for the caller of a client, if the input is not the cause."""
    match error:
        case ConnectFailed():
            return type(error.cause)(str(error.cause))
        case MemoryUnavailable():
            return error
        case errors.InsufficientPrivilege():
            return DatabaseMisconfigured(
                f"the login of AFTERTURN_POSTGRES_URL lacks a privilege: {_first_line(error)}. Run `afterturn "
                "migrate`: it grants the privilege, or prints the SQL for an administrator"
            )
        case psycopg.Error() if isinstance(error, _UNKNOWN_NAME):
            return SchemaMismatch(
                "the database of AFTERTURN_POSTGRES_URL does not have the schema of this release: "
                f"{_first_line(error)}. Run `afterturn migrate`"
            )
    shown = sqlstates.describe(error)
    match sqlstates.kind_of(error):
        case Kind.SETUP:
            fix = _FIXES.get(_sqlstate(error)[:2], "check AFTERTURN_POSTGRES_URL")
            return DatabaseMisconfigured(f"Postgres refuses the statement ({shown}): {fix}")
        case Kind.TIMEOUT | Kind.RETRY:
            return MemoryUnavailable(
                f"Postgres (AFTERTURN_POSTGRES_URL) did not finish within AFTERTURN_POSTGRES_TIMEOUT_SECONDS: {shown}"
            )
        case _ if _sqlstate(error):
            return MemoryUnavailable(f"Postgres (AFTERTURN_POSTGRES_URL) did not answer: {shown}")
    return MemoryUnavailable(f"Postgres (AFTERTURN_POSTGRES_URL) did not answer: {_one_line(error)}{_hint(error)}")


def _sqlstate(error: BaseException) -> str:
    return (error.sqlstate if isinstance(error, psycopg.Error) else None) or ""


def _first_line(error: psycopg.Error) -> str:
    """Return the server's message without its detail, which may quote rows."""
    return error.diag.message_primary or sqlstates.describe(error)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _hint(error: BaseException) -> str:
    """Return the fix for a URL whose settings PgBouncer refuses."""
    if "unsupported startup parameter" not in str(error):
        return ""
    return (
        ". PgBouncer refuses settings in the URL (`options`): take them out of AFTERTURN_POSTGRES_URL and give them to "
        "the login with ALTER ROLE … SET, or name them in ignore_startup_parameters of pgbouncer.ini, which drops them"
    )


@contextmanager
def translate_connection_errors() -> Iterator[None]:
    """Raise an error of afterturn instead of the driver's: see `public_error`."""
    try:
        yield
    except (PoolTimeout, psycopg.Error) as error:
        raise public_error(error) from error
