"""Classify the driver's errors by SQLSTATE: an outage, a temporary error, or data that can never be stored.

psycopg's classes do not distinguish these: it raises OperationalError for an unavailable server, and also for a row
that is too large for an index (class 54). All code that handles errors of Postgres uses this module
(docs/explanation/decisions/027). connect_errors translates errors for the callers of a client.
"""

from __future__ import annotations

from enum import Enum

import psycopg
from psycopg_pool import PoolTimeout


class Kind(Enum):
    """The kind of an error of Postgres, which decides what happens to the failed work."""

    #: The server is unavailable, starting, full or read-only: all work fails, temporarily.
    OUTAGE = "outage"
    #: The same transaction may succeed at the next attempt: a deadlock, or an object in use.
    RETRY = "retry"
    #: A statement, or its wait for a lock, took too long. A smaller transaction may succeed.
    TIMEOUT = "timeout"
    #: The data cannot be stored in any way.
    DATA = "data"
    #: The login, the schema or the database is wrong: all work fails until an administrator corrects it.
    SETUP = "setup"
    #: None of these. It is treated like an error of this program: with a limited number of attempts.
    UNEXPECTED = "unexpected"


#: Codes that mean something other than their class.
_BY_CODE = {
    "0A000": Kind.SETUP,
    "23505": Kind.UNEXPECTED,  # a row exists: another process may have just inserted it
    "25006": Kind.OUTAGE,  # read only: a standby, after a failover
    "25P03": Kind.TIMEOUT,  # idle in transaction
    "25P04": Kind.TIMEOUT,  # transaction_timeout
    "55P03": Kind.TIMEOUT,  # lock not available
    "55P04": Kind.SETUP,
    "57014": Kind.TIMEOUT,  # statement_timeout
    "57P04": Kind.SETUP,  # the database was dropped
}

#: Classes of SQLSTATE, its first two characters (PostgreSQL's documentation, appendix A).
_BY_CLASS = {
    "08": Kind.OUTAGE,  # connection
    "21": Kind.DATA,  # cardinality
    "22": Kind.DATA,  # data exception
    "23": Kind.DATA,  # a constraint
    "28": Kind.SETUP,  # login or password
    "3D": Kind.SETUP,  # no such database
    "3F": Kind.SETUP,  # no such schema
    "40": Kind.RETRY,  # deadlock, serialization
    "42": Kind.SETUP,  # a table, column, function or privilege is missing
    "44": Kind.DATA,  # check option of a view
    "53": Kind.OUTAGE,  # disk, memory or connections are used up
    "54": Kind.DATA,  # a limit of the server: size of an index row, of a text search vector
    "55": Kind.RETRY,  # an object is in use
    "57": Kind.OUTAGE,  # shutdown, starting
    "58": Kind.OUTAGE,  # the operating system
    "72": Kind.RETRY,  # snapshot too old
    "F0": Kind.OUTAGE,  # configuration file
}


def kind_of(error: BaseException) -> Kind | None:
    """Return what an error of Postgres means; None for an error that is not Postgres's."""
    if isinstance(error, PoolTimeout):
        return Kind.OUTAGE
    if not isinstance(error, psycopg.Error):
        return None
    code = error.sqlstate
    if code is None:
        return _kind_without_code(error)
    return _BY_CODE.get(code) or _BY_CLASS.get(code[:2], Kind.UNEXPECTED)


def is_passing(error: BaseException) -> bool:
    """Return whether the error is not caused by the work: an outage, a lock, a timeout, or a wrong set-up."""
    return kind_of(error) in (Kind.OUTAGE, Kind.RETRY, Kind.TIMEOUT, Kind.SETUP)


def describe(error: BaseException) -> str:
    """Return the error's class and SQLSTATE. Its message is omitted, because it can repeat the data."""
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    return type(error).__name__ if code is None else f"{type(error).__name__}, SQLSTATE {code}"


def _kind_without_code(error: psycopg.Error) -> Kind:
    """Classify an error that the driver raised without an answer of the server."""
    if isinstance(error, psycopg.DataError):
        return Kind.DATA
    # A connection that is lost, or was closed by another thread after it was lost.
    is_connection = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return Kind.OUTAGE if is_connection else Kind.UNEXPECTED
