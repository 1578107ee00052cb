"""Row-level security: the reader's role sees one user of one tenant, also if a statement has no condition."""

import pytest

from afterturn.database import pool
from afterturn.errors import DatabaseMisconfigured
from afterturn.scopes import UserScope
from api_shim import MemoryClient

USER_TABLES = [
    "users",
    "session_clears",
    "sessions",
    "turns",
    "batches",
    "compared_facts",
    "contradictions",
    "dead_entries",
    "imported_runs",
    "leases",
    "answers",
    "answer_pieces",
    "candidates",
    "episode_drafts",
    "judge_questions",
    "judgements",
    "llm_calls",
    "facts",
    "evidence",
    "rejections",
    "episodes",
    "summaries",
    "digests",
    "profiles",
    "threads",
    "thread_facts",
    "thread_answers",
    "vectors",
    "missing_vectors",
    "failed_work",
    "memory_indexes",
    "index_postings",
    "index_cells",
    "erasures",
    "audit_log",
    "agent_states",
    "api_keys",
    "access_log",
    "documents",
    "cold_objects",
    "user_merges",
]
#: Tables that the reader's role writes: what is put there is found at once.
WRITTEN_BY_READERS = ("documents",)


@pytest.fixture
def two_users(settings, pipeline):
    for user_id in ("ana", "ben"):
        MemoryClient(user_id, settings=settings).write("user", f"My name is {user_id.title()} and I live in Porto.")
    MemoryClient("ana", tenant_id="other", settings=settings).write("user", "I live in Rome.")
    pipeline.settle()


@pytest.fixture
def app_pool(settings):
    with pool.open_app_pool(settings) as opened:
        yield opened


def test_every_table_with_a_tenant_has_a_policy(database):
    rows = database.execute(
        "SELECT c.relname, c.relrowsecurity FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid "
        "WHERE a.attname = 'tenant_id' AND c.relkind = 'r'"
    ).fetchall()
    assert sorted(rows) == sorted((name, True) for name in USER_TABLES)


@pytest.mark.parametrize("table", ["users", "sessions", "turns", "batches", "facts", "evidence", "episodes", "vectors"])
def test_a_statement_without_a_condition_reads_rows_of_one_user(two_users, app_pool, database, table):
    all_rows = database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    with pool.user_transaction(app_pool, UserScope("default", "ana")) as connection:
        rows = connection.execute(f"SELECT tenant_id, user_id FROM {table}").fetchall()
    assert 0 < len(rows) < all_rows
    assert {(row["tenant_id"], row["user_id"]) for row in rows} == {("default", "ana")}


def test_a_transaction_without_a_user_reads_no_rows(two_users, app_pool):
    with app_pool.connection() as connection:
        assert connection.execute("SELECT count(*) AS n FROM turns").fetchone() == {"n": 0}


def test_the_user_is_set_for_one_transaction_only(two_users, app_pool):
    with pool.user_transaction(app_pool, UserScope("default", "ana")) as connection:
        assert connection.execute("SELECT count(*) AS n FROM turns").fetchone() == {"n": 1}
    with app_pool.connection() as connection:
        assert connection.execute("SELECT count(*) AS n FROM turns").fetchone() == {"n": 0}


@pytest.mark.parametrize(
    "table", [name for name in USER_TABLES if name not in ("leases", "answers", *WRITTEN_BY_READERS)]
)
def test_the_readers_role_cannot_write(two_users, app_pool, table):
    with (
        pytest.raises(DatabaseMisconfigured, match=f"permission denied for table {table}"),
        pool.user_transaction(app_pool, UserScope("default", "ana")) as connection,
    ):
        connection.execute(f"DELETE FROM {table}")


def test_the_worker_role_reads_rows_of_all_users(two_users, settings):
    with pool.open_worker_pool(settings, size=1) as opened, opened.connection() as connection:
        rows = connection.execute("SELECT DISTINCT tenant_id, user_id FROM turns").fetchall()
    assert len(rows) == 3
