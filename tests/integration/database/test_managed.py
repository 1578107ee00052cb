"""A login that is no superuser: what `afterturn migrate` does itself, and what it leaves to an administrator."""

import asyncio

import psycopg
import pytest

from afterturn.access import access_log, keys
from afterturn.database import pool
from afterturn.errors import SettingsError
from afterturn.pipeline import prepare
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal
from api_shim import MemoryClient
from api_shim.credentials import open_credentials
from harness import servers
from harness.pipeline import Pipeline

EVERYTHING = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)


def migrate(place, url):
    return prepare.prepare_database(url, place.settings(url))


def refusal_of(place, url):
    with pytest.raises(SettingsError) as caught:
        migrate(place, url)
    assert "AFTERTURN_POSTGRES_URL" in str(caught.value)
    return str(caught.value)


def advised_sql(message):
    """Return the SQL that a message tells an administrator to run."""
    return message.split("run: ", 1)[1].split("; — then", 1)[0]


def use(place, url):
    """Write a turn, let all stages run, recall its fact, and find a key, with this login only."""
    given = place.settings(url)
    with pool.worker_connection(given) as connection:
        made = keys.create(connection, EVERYTHING, actor=access_log.make_system_actor())
    assert asyncio.run(open_credentials(given).resolve(made.text)).name == str(made.row.key_id)
    with pool.worker_connection(given) as connection:
        assert keys.list_keys(connection)[0].last_used_at is not None
    with Pipeline(given) as pipeline:
        memory = MemoryClient("ana", settings=given)
        memory.write("user", "I live in Porto.", name="Ana")
        pipeline.settle()
        assert [fact.text for fact in memory.facts()] == ["Ana lives in Porto."]
        found = memory.recall("Where does Ana live?")
        assert found[0].text == "Ana lives in Porto."
        return found


def schema_of_tables(place):
    [(schema,)] = place.read("SELECT relnamespace::regnamespace::text FROM pg_class WHERE relname = 'turns'")
    return schema


@pytest.fixture(autouse=True)
def _empty_redis(settings, hot_store):
    servers.empty(settings)


def test_a_login_that_may_create_roles_needs_no_administrator_but_for_pgvector(managed):
    url = managed.url(managed.create_login("CREATEROLE"))
    message = refusal_of(managed, url)
    assert "CREATE EXTENSION vector" in message
    assert "azure.extensions" in message
    managed.run("CREATE EXTENSION vector")
    assert migrate(managed, url)[0] == "0001_first_schema"
    assert migrate(managed, url) == []
    use(managed, url)


def test_a_login_that_may_create_roles_and_owns_the_database(managed):
    login = managed.create_login("CREATEROLE", may_create=False)
    managed.run("ALTER DATABASE {} OWNER TO {}", managed.name, login)
    managed.run("CREATE EXTENSION vector")
    migrate(managed, managed.url(login))
    use(managed, managed.url(login))


def test_a_login_that_may_create_nothing_gets_the_sql_for_an_administrator(managed):
    login = managed.create_login(may_create=False)
    url = managed.url(login)
    for _ in range(4):
        try:
            migrate(managed, url)
            break
        except SettingsError as error:
            managed.run(advised_sql(str(error)))
    assert migrate(managed, url) == []
    use(managed, url)


def test_roles_that_an_administrator_made_and_granted_are_used(managed):
    login = managed.create_login()
    managed.run("CREATE EXTENSION vector; CREATE ROLE afterturn_app; CREATE ROLE afterturn_worker")
    managed.run("GRANT afterturn_app, afterturn_worker TO {}", login)
    migrate(managed, managed.url(login))
    use(managed, managed.url(login))


def test_roles_that_may_not_be_taken_are_named_with_the_grant(managed):
    login = managed.create_login()
    managed.run("CREATE EXTENSION vector; CREATE ROLE afterturn_app; CREATE ROLE afterturn_worker")
    managed.run("GRANT afterturn_app TO {}", login)
    url = managed.url(login)
    message = refusal_of(managed, url)
    assert "GRANT" in advised_sql(message)
    assert "afterturn_worker" in advised_sql(message)
    managed.run(advised_sql(message))
    migrate(managed, url)
    use(managed, url)


def test_a_schema_without_the_right_to_take_its_roles_is_not_called_up_to_date(managed):
    """Migrated by an older release: exit code 0, and then `permission denied to set role`."""
    login = managed.create_login("CREATEROLE")
    managed.run("CREATE EXTENSION vector")
    url = managed.url(login)
    migrate(managed, url)
    managed.run("REVOKE afterturn_app, afterturn_worker FROM {} CASCADE", login)
    managed.run("ALTER ROLE {} NOCREATEROLE", login)
    message = refusal_of(managed, url)
    managed.run(advised_sql(message))
    assert migrate(managed, url) == []
    use(managed, url)


def test_a_runtime_login_of_its_own_needs_the_roles_and_nothing_else(managed):
    managed.run("CREATE EXTENSION vector")
    migrate(managed, managed.url(managed.create_login("CREATEROLE")))
    runtime = managed.create_login("NOINHERIT", may_create=False)
    managed.run("GRANT afterturn_app, afterturn_worker TO {}", runtime)
    url = managed.url(runtime)
    assert migrate(managed, url) == []
    use(managed, url)
    with pool.open_app_pool(managed.settings(url)) as opened, opened.connection() as connection:
        connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM turns")


def test_another_login_than_the_owner_is_told_who_must_migrate(managed):
    managed.run("CREATE EXTENSION vector")
    owner = managed.create_login("CREATEROLE")
    migrate(managed, managed.url(owner))
    managed.run("DELETE FROM _yoyo_migration WHERE migration_id = '0007_checksums'; DROP TABLE applied_migrations")
    other = managed.create_login()
    managed.run("GRANT afterturn_app, afterturn_worker TO {}", other)
    assert f"belongs to the login {owner}" in refusal_of(managed, managed.url(other))


@pytest.mark.parametrize("schema", ["extensions", "pg vector", "Vectors"])
def test_pgvector_may_be_in_a_schema_that_nobody_named(managed, schema):
    managed.run("CREATE SCHEMA {0}; CREATE EXTENSION vector SCHEMA {0}", schema)
    url = managed.url(managed.create_login("CREATEROLE"))
    managed.run(advised_sql(refusal_of(managed, url)))
    migrate(managed, url)
    use(managed, url)


def test_the_tables_may_be_in_the_schema_of_the_login(managed):
    login = managed.create_login("CREATEROLE", may_create=False)
    managed.run("CREATE SCHEMA extensions; CREATE EXTENSION vector SCHEMA extensions")
    managed.run("GRANT USAGE ON SCHEMA extensions TO PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC")
    managed.run("CREATE SCHEMA {0} AUTHORIZATION {0}", login)
    url = managed.url(login)
    migrate(managed, url)
    assert schema_of_tables(managed) == login
    use(managed, url)


def test_the_tables_may_be_in_a_schema_that_the_url_names(managed):
    login = managed.create_login("CREATEROLE", may_create=False)
    managed.run("CREATE EXTENSION vector; CREATE SCHEMA memory AUTHORIZATION {}", login)
    url = managed.url(login, query="options=-csearch_path%3Dmemory,public")
    migrate(managed, url)
    assert schema_of_tables(managed) == "memory"
    use(managed, url)


def test_a_pgvector_that_is_too_old_is_named_with_its_update(managed):
    managed.run("CREATE EXTENSION vector; UPDATE pg_extension SET extversion = '0.6.2' WHERE extname = 'vector'")
    assert "ALTER EXTENSION vector UPDATE" in refusal_of(managed, managed.url(managed.create_login("CREATEROLE")))


def test_row_level_security_holds_for_each_login(managed):
    login = managed.create_login("CREATEROLE")
    managed.run("CREATE EXTENSION vector")
    url = managed.url(login)
    migrate(managed, url)
    use(managed, url)
    with pool.open_app_pool(managed.settings(url)) as opened, opened.connection() as connection:
        assert connection.execute("SELECT count(*) AS turns FROM turns").fetchone() == {"turns": 0}
