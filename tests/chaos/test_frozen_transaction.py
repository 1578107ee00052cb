"""A process that falls asleep in the middle of a transaction does not keep its locks for ever."""

from __future__ import annotations

import time

import pytest

from afterturn.database import pool

LEASE_SECONDS = 1.0
STATEMENT_SECONDS = 1.0


@pytest.fixture
def workers(settings, database):
    database.execute("INSERT INTO counters (name) VALUES ('held')")
    given = {"lease_seconds": LEASE_SECONDS, "postgres_timeout_seconds": STATEMENT_SECONDS}
    with pool.open_worker_pool(type(settings)(**settings.model_dump(exclude_unset=True) | given), size=2) as opened:
        yield opened


def _change_counter(database) -> None:
    """Wait for the lock of the row, and fail if that takes nearly as long as the settings' usual times."""
    database.execute("SET statement_timeout = '20s'")
    database.execute("UPDATE counters SET count = count + 1 WHERE name = 'held'")


def test_asleep_between_two_statements(workers, database):
    connection = workers.getconn()
    connection.autocommit = False
    connection.execute("UPDATE counters SET count = 5 WHERE name = 'held'")
    _change_counter(database)
    connection.close()
    workers.putconn(connection)


def test_asleep_while_sending_many_statements_at_once(workers, database):
    """To the server such a session is busy: neither its idle nor its statement timeout runs."""
    if database.info.server_version < 170_000:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    connection = workers.getconn()
    pipeline = connection.pipeline()
    pipeline.__enter__()
    connection.execute("BEGIN")
    connection.execute("UPDATE counters SET count = 5 WHERE name = 'held'")
    connection.pgconn.send_flush_request()
    connection.pgconn.flush()
    time.sleep(0.2)
    _change_counter(database)
    assert database.execute("SELECT count FROM counters WHERE name = 'held'").fetchone() == (1,)
    connection.close()
    workers.putconn(connection)
