"""`afterturn scrub` ends, with exit code 0, while workers work and agents write; and says who keeps it from that."""

import os
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from afterturn.cold import exporting
from afterturn.database import vacuum
from afterturn.database.user_tables import UserTables
from afterturn.forgetting import erasures
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from tests import canary

ANA = UserScope("default", "ana")


@pytest.fixture
def store(settings):
    return UserTables(settings, complete_turns=exporting.make_completion(settings))


@pytest.fixture
def busy(settings, workers):
    """Agents of other users who write all the time, and workers who make facts of it."""
    ended = threading.Event()

    def write(number):
        memory = MemoryClient(f"user-{number}", settings=settings)
        count = 0
        while not ended.is_set():
            count += 1
            memory.write("user", f"I own {count} boats.")
            if count % 5 == 0:
                memory.flush()
            memory.recall("boats")
            time.sleep(0.05)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    yield workers
    ended.set()
    for thread in threads:
        thread.join()


def run_scrub(settings, *options):
    """Run the command as a process of its own."""
    servers = {"REDIS_URL": settings.redis_url, "POSTGRES_URL": settings.postgres_url.get_secret_value()}
    environment = {f"AFTERTURN_{name}": url for name, url in servers.items()}
    return subprocess.run(
        [sys.executable, "-m", "api_shim.cli.main", "scrub", *options],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def outcome(steps):
    """Return the details of the steps that are not done."""
    return {step.name: step.detail for step in steps if not step.is_done}


@pytest.mark.slow
def test_scrub_ends_well_on_a_busy_system(busy, settings, pipeline, database, hot_store):
    memory = canary.write_about(settings, "ana")
    memory.flush(wait_seconds=60)
    erasures.forget(pipeline.runtime, ANA)
    for options in ((), (), ("--rewrite",)):
        scrubbed = run_scrub(settings, *options)
        assert (scrubbed.returncode, scrubbed.stderr) == (0, ""), scrubbed
        assert "NOT DONE" not in scrubbed.stdout
    assert canary.places(database, hot_store, canary.WORD, canary.ID) == []


def dead_rows(database, table):
    """Return how many dead rows and dead entries VACUUM still finds in a table."""
    reports = []
    database.add_notice_handler(lambda notice: reports.append(notice.message_primary))
    database.execute(psycopg.sql.SQL("VACUUM (VERBOSE, INDEX_CLEANUP ON) {}").format(psycopg.sql.Identifier(table)))
    removed = [line for report in reports for line in report.splitlines() if line.startswith("tuples: ")]
    assert removed, reports
    return sum(int(line.split()[1]) for line in removed)


def test_few_dead_rows_leave_tables_and_indexes(settings, store, pipeline, database):
    """Of a table with few dead rows, VACUUM by itself leaves the entries of the indexes."""
    for user_id in ("ana", *(f"user-{number}" for number in range(40))):
        MemoryClient(user_id, settings=settings).write_many(
            {"role": "user", "content": f"{number} {'boats ' * 200}"} for number in range(20)
        )
    pipeline.settle(seconds=60)
    erasures.forget(pipeline.runtime, ANA)
    assert outcome(store.scrub(rewrite=False)) == {}
    assert dead_rows(database, "turns") == 0
    rows = database.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'turns'").fetchall()
    assert rows == [(0,)]


def _steps(database, tables, **options):
    with psycopg.connect(database.info.dsn, password=database.info.password, autocommit=True) as connection:
        connection.row_factory = psycopg.rows.dict_row
        return list(vacuum.steps(connection, tables, rewrite=False, **options))


@pytest.fixture
def reader(database):
    """A transaction that has read, and may read again."""
    with psycopg.connect(
        database.info.dsn, password=database.info.password, application_name="a long report"
    ) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM turns")
        # Somebody deletes what it may still read.
        database.execute("SELECT pg_current_xact_id()")
        yield connection


def test_a_scrub_waits_for_an_older_transaction(database, reader):
    is_ended = threading.Event()

    def end():
        is_ended.set()
        reader.rollback()

    ending = threading.Timer(1.0, end)
    ending.start()
    assert outcome(_steps(database, ["turns"], wait_seconds=60)) == {}
    assert is_ended.is_set()
    ending.join()


def test_an_older_transaction_that_does_not_end_is_named(database, reader):
    left = outcome(_steps(database, ["turns"], wait_seconds=0.5))
    assert list(left) == ["dead rows"]
    pid = reader.info.backend_pid
    assert f"process {pid} (a long report, idle in transaction): end it" in left["dead rows"]
    reader.rollback()
    assert outcome(_steps(database, ["turns"], wait_seconds=0.5)) == {}


def test_a_younger_transaction_is_not_waited_for(database):
    """Only rows that were deleted before count; a system in use deletes rows all the time."""
    database.execute("INSERT INTO counters (name) VALUES ('x') ON CONFLICT DO NOTHING")
    ended = threading.Event()

    def work():
        with psycopg.connect(database.info.dsn, password=database.info.password, autocommit=True) as connection:
            while not ended.is_set():
                connection.execute("UPDATE counters SET count = count + 1 WHERE name = 'x'")

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert outcome(_steps(database, ["counters"], wait_seconds=20)) == {}
    finally:
        ended.set()
        thread.join()


def test_no_id_stays_in_the_statistics_of_an_empty_table(settings, store, pipeline, database):
    canary.write_about(settings, "ana").flush()
    pipeline.settle()
    database.execute("ANALYZE")
    with_ids = "SELECT DISTINCT tablename FROM pg_stats AS s WHERE schemaname = 'public' AND s::text LIKE %s"
    assert database.execute(with_ids, (f"%{canary.ID}%",)).fetchall() != []
    erasures.forget(pipeline.runtime, ANA)
    assert outcome(store.scrub(rewrite=False)) == {}
    assert database.execute(with_ids, (f"%{canary.ID}%",)).fetchall() == []


def test_statistics_of_tables_with_rows_stay(settings, store, pipeline, database):
    MemoryClient("ben", settings=settings).write("user", "I own a boat.")
    pipeline.settle()
    assert outcome(store.scrub(rewrite=False)) == {}
    columns = database.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'turns' AND attname = 'user_id'")
    assert columns.fetchone() == (1,)
