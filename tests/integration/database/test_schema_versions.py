"""A schema that is not the one of the release is said when a process starts; an applied migration never changes."""

import hashlib
from pathlib import Path

import psycopg
import pytest

from afterturn.database import schema
from afterturn.errors import SchemaMismatch, SettingsError
from afterturn.pipeline import prepare

MIGRATIONS = Path(schema.__file__).parent / "migrations"
#: SHA-256 of each migration that was in a release or is applied anywhere. Lines are added, never changed.
FROZEN = Path(__file__).with_name("migrations.sha256")


def test_a_migration_that_was_applied_anywhere_is_unchanged():
    frozen = dict(reversed(line.split()) for line in FROZEN.read_text().splitlines())
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in MIGRATIONS.glob("*.sql")}
    assert len(frozen) >= 4
    assert {name: found.get(name) for name in frozen} == frozen


@pytest.fixture
def migrated(place):
    prepare.prepare_database(place.owner_url, place.settings())
    return place


def test_the_database_keeps_the_checksums_of_its_migrations(migrated):
    kept = dict(migrated.read("SELECT migration_id, checksum FROM applied_migrations"))
    assert kept == {one.migration_id: one.checksum for one in schema.list_migrations()}
    assert prepare.prepare_database(migrated.owner_url, migrated.settings()) == []


def test_a_migration_that_was_changed_after_it_was_applied_is_refused(migrated):
    migrated.run("UPDATE applied_migrations SET checksum = 'of another file' WHERE migration_id LIKE '0002%'")
    with pytest.raises(SettingsError, match=r"0002_roles_and_policies was changed after it was applied"):
        prepare.prepare_database(migrated.owner_url, migrated.settings())


@pytest.mark.parametrize("arguments", [("worker", "fast"), ("worker", "slow"), ("api",)])
def test_a_process_does_not_start_on_an_older_schema(migrated, command, arguments):
    migrated.run("DELETE FROM _yoyo_migration WHERE migration_id LIKE '0007%'; DROP TABLE applied_migrations")
    command.use(migrated.settings())
    with pytest.raises(SchemaMismatch, match=r"older than this release: it lacks 0007_checksums.*afterturn migrate"):
        schema.check_at_start(migrated.settings())
    result = command(*arguments)
    assert result.code == 2
    assert "error [schema_mismatch]" in result.error
    assert "afterturn migrate" in result.error


def test_a_database_without_a_schema_is_said_at_the_start(place):
    with pytest.raises(SchemaMismatch, match="afterturn migrate"):
        schema.check_at_start(place.settings())


def test_a_newer_schema_is_used_unless_it_says_that_it_cannot_be(migrated):
    add = "INSERT INTO _yoyo_migration (migration_hash, migration_id) VALUES ('{0}', '{0}'); "
    add += "INSERT INTO applied_migrations VALUES ('{0}', 'x', {1})"
    with psycopg.connect(migrated.owner_url, autocommit=True) as connection:
        connection.execute(add.format("9998_adds", "false"))
        schema.check_at_start(migrated.settings())
        connection.execute(add.format("9999_drops", "true"))
    with pytest.raises(SchemaMismatch, match=r"newer than this release.*9999_drops"):
        schema.check_at_start(migrated.settings())
    with pytest.raises(SchemaMismatch, match="newer than this release"):
        prepare.prepare_database(migrated.owner_url, migrated.settings())


def test_a_server_that_is_away_does_not_keep_a_process_from_starting(settings, caplog):
    away = settings.model_copy(update={"postgres_url": type(settings.postgres_url)("postgresql://u@127.0.0.1:1/x")})
    schema.check_at_start(away)
    assert "the schema is not checked" in caplog.text
