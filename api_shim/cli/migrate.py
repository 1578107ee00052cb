"""`afterturn migrate`: upgrade the database schema."""

from __future__ import annotations

import typer


def migrate() -> None:
    """Upgrade the database of AFTERTURN_POSTGRES_URL to the schema of this release.

    `afterturn up` does this itself. If you start the services in another way, run this command once per release.
    Running it again, or twice at the same time, is safe.
    """
    from afterturn import settings as settings_module
    from afterturn.pipeline import prepare

    settings = settings_module.load()
    applied = prepare.prepare_database(settings.postgres_url.get_secret_value(), settings)
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("the schema is up to date")
