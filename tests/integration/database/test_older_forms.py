"""Databases that have an older form of a migration, which was changed before the first release, are brought right."""

import shutil
from pathlib import Path

import psycopg
import pytest
import yoyo

from afterturn.pipeline import prepare
from api_shim import MemoryClient
from harness.pipeline import Pipeline

#: The oldest form, and the last one before facts knew who said them. Files as they were applied.
FORMS = Path(__file__).with_name("older_forms")

#: What makes a schema: the rows of these queries are equal in two equal schemas.
PARTS = {
    "columns": """
        SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull,
               pg_get_expr(adbin, adrelid), attgenerated::text, attidentity::text, attstorage::text
        FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    """,
    "without statistics": """
        SELECT attrelid::regclass::text, attname FROM pg_attribute JOIN pg_class AS c ON c.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped AND attstattarget = 0
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
    """,
    "policies": "SELECT tablename, policyname, qual, with_check, roles::text FROM pg_policies",
    "row-level security": "SELECT relname FROM pg_class WHERE relrowsecurity",
    "grants": """
        SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
        WHERE grantee LIKE 'afterturn%'
    """,
    "functions": "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname IN ('stems_of', 'stem_codes')",
}

ROWS = """
INSERT INTO users (tenant_id, user_id, version, next_user_seq) VALUES ('default', 'ana', 1, 2);
INSERT INTO sessions (tenant_id, user_id, session_id, next_position, cut_through, applied_through)
VALUES ('default', 'ana', 'default', 2, 1, 1);
INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at, written_at)
VALUES ('default', 'ana', 'default', 1, 'old', 'user', 'I adopted a parrot.', 5, '2026-01-01', '2026-01-01');
INSERT INTO batches (tenant_id, user_id, batch_id, session_id, user_seq, first_position, last_position, tokens, cut_by,
                     state, prompt_version, model)
VALUES ('default', 'ana', '00000000-0000-0000-0000-00000000000b', 'default', 1, 1, 1, 5, 'idle', 'applied', 'p', 'm');
INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, text, category, importance, said_at)
VALUES ('default', 'ana', '00000000-0000-0000-0000-00000000000f', '00000000-0000-0000-0000-00000000000b', 'default',
        'Ana adopted a parrot.', 'other', 0.5, '2026-01-01');
INSERT INTO evidence (tenant_id, user_id, fact_id, session_id, position, quote, batch_id)
VALUES ('default', 'ana', '00000000-0000-0000-0000-00000000000f', 'default', 1, 'I adopted a parrot.',
        '00000000-0000-0000-0000-00000000000b');
"""
ANSWER = """
INSERT INTO answers (tenant_id, user_id, batch_id, prompt_version, model, answer)
VALUES ('default', 'ana', '00000000-0000-0000-0000-00000000000b', 'p', 'm', '{}')
"""


def describe(place):
    return {name: set(place.read(query)) for name, query in PARTS.items()}


@pytest.fixture
def right(settings, database):
    """The schema of a new database."""
    from tests.integration.database.conftest import Place

    new = Place(settings.postgres_url.get_secret_value(), settings)
    prepare.prepare_database(new.owner_url, new.settings())
    yield describe(new)
    new.drop()


@pytest.fixture(params=["first", "fourth"])
def old(request, place, tmp_path):
    """A database with an older form of the first migrations, and rows."""
    shutil.copytree(FORMS / request.param, tmp_path / "migrations")
    backend = yoyo.get_backend(place.owner_url.replace("postgresql://", "postgresql+psycopg://"))
    backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(tmp_path / "migrations"))))
    backend.connection.close()
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute(ROWS)
        if request.param == "first":
            connection.execute(ANSWER)
    return place


def test_an_older_form_becomes_the_schema_of_a_new_database_and_keeps_its_rows(old, right, hot_store):
    assert describe(old) != right
    prepare.prepare_database(old.owner_url, old.settings())
    assert describe(old) == right
    memory = MemoryClient("ana", settings=old.settings())
    assert [fact.text for fact in memory.facts()] == ["Ana adopted a parrot."]
    assert memory.recall("Who has a parrot?")[0].text == "Ana adopted a parrot."
    with Pipeline(old.settings()) as pipeline:
        memory.write("user", "I live in Porto.", name="Ana")
        pipeline.settle()
    assert "Ana lives in Porto." in [fact.text for fact in memory.facts()]


def test_in_the_last_form_nothing_is_changed(place):
    prepare.prepare_database(place.owner_url, place.settings())
    before = describe(place)
    place.run("DELETE FROM _yoyo_migration WHERE migration_id = '0002a_older_forms'; DELETE FROM applied_migrations")
    assert prepare.prepare_database(place.owner_url, place.settings()) == ["0002a_older_forms"]
    assert describe(place) == before
