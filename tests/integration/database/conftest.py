"""Databases and logins beside those of the run: each test may change how a server is set up."""

import uuid
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from pydantic import SecretStr

from afterturn.local.postgres_server import PostgresServer

PASSWORD = "w0rd/of@a:login%"
ROLES = ("afterturn_app", "afterturn_worker")


class Place:
    """A new database of a server, with logins that are removed with it."""

    def __init__(self, server_url, settings):
        self._server_url = server_url
        self._settings = settings
        self._logins = []
        self.name = f"place_{uuid.uuid4().hex[:12]}"
        self._administer("CREATE DATABASE {}", self.name)

    @property
    def owner_url(self):
        return self.url()

    def url(self, login=None, password=PASSWORD, **parts):
        """Return the URL of this database, for the superuser or for a login."""
        base = urlsplit(self._server_url)
        netloc = base.netloc
        if login is not None:
            netloc = f"{login}:{quote(password, safe='')}@{base.hostname}:{base.port}"
        return urlunsplit(base._replace(netloc=netloc, path=f"/{self.name}", **parts))

    def settings(self, url=None, **changes):
        return self._settings.model_copy(update={"postgres_url": SecretStr(url or self.owner_url), **changes})

    def create_login(self, attributes="", *, may_create=True):
        """Create a login that is no superuser, and return its name."""
        name = f"login_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            statement = SQL("CREATE ROLE {} LOGIN PASSWORD {} NOSUPERUSER {}")
            connection.execute(statement.format(Identifier(name), Literal(PASSWORD), SQL(attributes)))
        self._logins.append(name)
        if may_create:
            self.run("GRANT CREATE ON DATABASE {} TO {}", self.name, name)
            self.run("GRANT CREATE ON SCHEMA public TO {}", name)
        return name

    def run(self, statement, *names):
        """Run statements in this database as its superuser, with quoted names in them."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(SQL(statement).format(*map(Identifier, names)))

    def read(self, query, url=None):
        with psycopg.connect(url or self.owner_url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def drop(self):
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)
        for name in self._logins:
            self._administer("DROP OWNED BY {0}; DROP ROLE {0}", name)

    def _administer(self, statement, *names):
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(SQL(statement).format(*map(Identifier, names)))


@pytest.fixture
def place(settings):
    """A database of the run's server, where the roles exist and belong to the superuser."""
    created = Place(settings.postgres_url.get_secret_value(), settings)
    yield created
    created.drop()


@pytest.fixture(scope="session", params=["16", "18"])
def untouched_server(request, tmp_path_factory):
    """A server of each version that the wheel has, where nothing of afterturn's was ever prepared."""
    directory = tmp_path_factory.mktemp(f"postgres-{request.param}")
    with PostgresServer(directory, durable=False, major=request.param) as server:
        yield server


@pytest.fixture
def managed(untouched_server, settings):
    """A new database of a server without our roles: as a provider of databases hands it over."""
    created = Place(untouched_server.url, settings)
    yield created
    created.drop()
    with psycopg.connect(untouched_server.url, autocommit=True) as connection:
        for role in ROLES:
            connection.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(role)))
