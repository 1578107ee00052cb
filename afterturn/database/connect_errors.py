"""What an error of the driver means to the caller: a server that is away, or one that is set up in another way.

psycopg's message about a failed connection names host, port, login and the server's answer, and never the password.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable, SchemaMismatch

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


class ConnectFailed(psycopg.OperationalError):
    """No connection could be opened. It belongs to the errors of a server that is away, so that work waits for it."""

    def __init__(self, cause: MemoryUnavailable) -> None:
        super().__init__(str(cause))
        #: The error for the caller of a client.
        self.cause = cause


def describe_error(error: BaseException) -> MemoryUnavailable:
    """Return the error for the caller of a client: what is wrong, which setting it concerns, and what to do."""
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
        case psycopg.Error() if error.sqlstate is not None:
            return MemoryUnavailable(
                f"Postgres (AFTERTURN_POSTGRES_URL) did not answer: {type(error).__name__} ({error.sqlstate})"
            )
    return MemoryUnavailable(f"Postgres (AFTERTURN_POSTGRES_URL) did not answer: {_one_line(error)}{_hint(error)}")


def _first_line(error: psycopg.Error) -> str:
    """Return the server's message without its detail, which may quote rows."""
    return error.diag.message_primary or type(error).__name__


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _hint(error: BaseException) -> str:
    """Return what helps where PgBouncer refuses a URL that sends settings."""
    if "unsupported startup parameter" not in str(error):
        return ""
    return (
        ". PgBouncer refuses settings in the URL (`options`): take them out of AFTERTURN_POSTGRES_URL and give them to "
        "the login with ALTER ROLE … SET, or name them in ignore_startup_parameters of pgbouncer.ini, which drops them"
    )


@contextmanager
def translate_connection_errors() -> Iterator[None]:
    """Raise MemoryUnavailable instead of the driver's errors for a server that is away or refuses all calls."""
    try:
        yield
    except (psycopg.OperationalError, errors.InsufficientPrivilege, *_UNKNOWN_NAME) as error:
        raise describe_error(error) from error
