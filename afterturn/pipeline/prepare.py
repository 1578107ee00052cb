"""Prepare a database for the pipeline: the schema of this release, and a first embedding space."""

from __future__ import annotations

from afterturn.database import migrate
from afterturn.embedding import spaces
from afterturn.settings import Settings


def prepare_database(postgres_url: str, settings: Settings) -> list[str]:
    """Apply the missing migrations and return their names, oldest first. Safe to repeat, and to run twice at once.

    Args:
        postgres_url: the database, as a login that may create tables and roles.
        settings: the settings. They name the embedder of a new database.

    Raises MemoryUnavailable when the server does not answer, SettingsError when it is too old, lacks pgvector or the
    login may not create the roles.
    """
    return migrate.apply_migrations(postgres_url, lambda connection: spaces.ensure_first_space(connection, settings))
