"""Databases and logins beside those of the run: each test may change how a server is set up."""

import uuid
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from pydantic import SecretStr

PASSWORD = "w0rd/of@a:login%"


class Place:
    """A new database of the run's server, with logins that are removed with it."""

    def __init__(self, settings, owner):
        self._settings = settings
        self._owner = owner
        self._logins = []
        self.name = f"place_{uuid.uuid4().hex[:12]}"
        owner.execute(SQL("CREATE DATABASE {}").format(Identifier(self.name)))

    @property
    def owner_url(self):
        return self.url()

    def url(self, login=None, password=None, **parts):
        """Return the URL of this database, for the superuser or for a login."""
        base = urlsplit(self._settings.postgres_url.get_secret_value())
        netloc = base.netloc
        if login is not None:
            quoted = (password or PASSWORD).replace("%", "%25").replace("/", "%2F").replace("@", "%40")
            netloc = f"{login}:{quoted.replace(':', '%3A')}@{base.hostname}:{base.port}"
        return urlunsplit(base._replace(netloc=netloc, path=f"/{self.name}", **parts))

    def settings(self, url=None, **changes):
        return self._settings.model_copy(update={"postgres_url": SecretStr(url or self.owner_url), **changes})

    def create_login(self, attributes="", *, may_create=True):
        """Create a login that is no superuser, and return its name."""
        name = f"login_{uuid.uuid4().hex[:12]}"
        self._owner.execute(
            SQL("CREATE ROLE {} LOGIN PASSWORD {} NOSUPERUSER {}").format(
                Identifier(name), Literal(PASSWORD), SQL(attributes)
            )
        )
        if may_create:
            self._owner.execute(SQL("GRANT ALL ON DATABASE {} TO {}").format(Identifier(self.name), Identifier(name)))
            self.run("GRANT ALL ON SCHEMA public TO {}", name)
        self._logins.append(name)
        return name

    def run(self, statement, *names):
        """Run a statement in this database as its superuser, with quoted names in it."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            connection.execute(SQL(statement).format(*map(Identifier, names)))

    def drop(self):
        self._owner.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(self.name)))
        for name in self._logins:
            self._owner.execute(SQL("DROP OWNED BY {}").format(Identifier(name)))
            self._owner.execute(SQL("DROP ROLE {}").format(Identifier(name)))


@pytest.fixture
def place(settings, database):
    created = Place(settings, database)
    yield created
    created.drop()
