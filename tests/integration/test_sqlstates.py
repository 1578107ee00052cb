"""Errors of Postgres are told apart by what they are, on a real server and by their codes."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout

from afterturn.database import connect_errors, pool, sqlstates
from afterturn.database.sqlstates import Kind
from afterturn.errors import DatabaseMisconfigured, InvalidInput, MemoryUnavailable
from afterturn.scopes import UserScope
from afterturn.watching import reading, reports
from api_shim import MemoryClient

#: SQLSTATE -> what it means.
CODES = {
    "08006": Kind.OUTAGE,
    "22001": Kind.DATA,
    "22003": Kind.DATA,
    "22021": Kind.DATA,
    "22P02": Kind.DATA,
    "22P05": Kind.DATA,
    "23505": Kind.UNEXPECTED,
    "23502": Kind.DATA,
    "23514": Kind.DATA,
    "25006": Kind.OUTAGE,
    "28P01": Kind.SETUP,
    "3D000": Kind.SETUP,
    "3F000": Kind.SETUP,
    "40001": Kind.RETRY,
    "40P01": Kind.RETRY,
    "42501": Kind.SETUP,
    "42703": Kind.SETUP,
    "42P01": Kind.SETUP,
    "0A000": Kind.SETUP,
    "53100": Kind.OUTAGE,
    "53200": Kind.OUTAGE,
    "53300": Kind.OUTAGE,
    "54000": Kind.DATA,
    "54001": Kind.DATA,
    "54011": Kind.DATA,
    "55P03": Kind.TIMEOUT,
    "57014": Kind.TIMEOUT,
    "57P01": Kind.OUTAGE,
    "57P03": Kind.OUTAGE,
    "58030": Kind.OUTAGE,
    "XX000": Kind.UNEXPECTED,
}


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_one_meaning(code):
    assert sqlstates.kind_of(errors.lookup(code)("text of a user")) is CODES[code]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (psycopg.OperationalError("the connection is lost"), Kind.OUTAGE),
        (psycopg.InterfaceError("the connection is closed"), Kind.OUTAGE),
        (PoolTimeout("no connection"), Kind.OUTAGE),
        (psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"), Kind.DATA),
        (psycopg.ProgrammingError("cannot adapt type"), Kind.UNEXPECTED),
        (ValueError("no error of Postgres"), None),
    ],
)
def test_an_error_without_a_code_has_a_meaning_too(error, kind):
    assert sqlstates.kind_of(error) is kind


@pytest.mark.parametrize("code", CODES)
def test_no_error_that_is_shown_repeats_what_was_to_be_stored(code):
    error = errors.lookup(code)("Ana lives in Porto.")
    for text in (sqlstates.describe(error), str(connect_errors.public_error(error))):
        assert "Porto" not in text and code in text


#: A statement -> what a real server's error means.
STATEMENTS = {
    "SELECT 1 / 0": Kind.DATA,
    "SELECT 'x'::integer": Kind.DATA,
    "SELECT to_tsvector('english', string_agg(md5(n::text), ' ')) FROM generate_series(1, 60000) AS n": Kind.DATA,
    "SELECT no_column FROM turns": Kind.SETUP,
    "SELECT * FROM no_table": Kind.SETUP,
    "SET statement_timeout = 50; SELECT pg_sleep(5)": Kind.TIMEOUT,
    "SET lock_timeout = 50; SELECT pg_advisory_xact_lock(4711)": Kind.TIMEOUT,
    "SELECT pg_terminate_backend(pg_backend_pid())": Kind.OUTAGE,
    "SET default_transaction_read_only = on; CREATE TABLE none (a text)": Kind.OUTAGE,
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_an_error_of_a_real_server(settings, database, statement):
    database.execute("SELECT pg_advisory_lock(4711)")
    try:
        with (
            psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True) as connection,
            pytest.raises(psycopg.Error) as caught,
        ):
            for part in statement.split("; "):
                connection.execute(part)
    finally:
        database.execute("SELECT pg_advisory_unlock(4711)")
    assert sqlstates.kind_of(caught.value) is STATEMENTS[statement]


def test_an_index_row_that_is_too_large_is_no_outage(settings, database):
    database.execute("CREATE TEMP TABLE narrow (a text PRIMARY KEY)")
    with pytest.raises(psycopg.OperationalError) as caught:
        database.execute("INSERT INTO narrow SELECT string_agg(md5(n::text), '') FROM generate_series(1, 200) AS n")
    assert sqlstates.kind_of(caught.value) is Kind.DATA


@pytest.mark.parametrize(
    ("statement", "error", "message"),
    [
        ("SELECT 1 / 0", InvalidInput, "SQLSTATE 22012"),
        ("SELECT no_column FROM turns", DatabaseMisconfigured, "afterturn migrate"),
        ("SELECT pg_sleep(30)", MemoryUnavailable, "AFTERTURN_POSTGRES_TIMEOUT_SECONDS"),
    ],
)
def test_a_reader_is_told_what_is_wrong(settings, statement, error, message):
    with (
        pool.open_app_pool(settings, size=1) as opened,
        pytest.raises(error, match=message),
        pool.user_transaction(opened, UserScope("default", "ana")) as connection,
    ):
        connection.execute("SET LOCAL statement_timeout = 200")
        connection.execute(statement).fetchall()


def test_a_login_without_a_privilege_is_told_what_to_grant(settings, database):
    memory = MemoryClient("ana", settings=settings)
    database.execute("REVOKE SELECT ON facts FROM afterturn_app, afterturn_worker")
    try:
        with pytest.raises(DatabaseMisconfigured, match=r"lacks a privilege.*afterturn migrate"):
            memory.facts()
    finally:
        database.execute("GRANT SELECT ON facts TO afterturn_app, afterturn_worker")
    assert memory.facts() == []


def test_a_missing_column_is_named_as_a_schema_and_not_as_an_outage(settings, database):
    database.execute("ALTER TABLE batches RENAME COLUMN discarded_at TO gone")
    try:
        with pytest.raises(DatabaseMisconfigured, match="afterturn migrate") as caught:
            reading.read_report(settings, reports.backlog())
    finally:
        database.execute("ALTER TABLE batches RENAME COLUMN gone TO discarded_at")
    assert "did not answer" not in str(caught.value) and caught.value.code == "schema_mismatch"
