"""`afterturn migrate`: bring a database to this release's schema."""

from __future__ import annotations

import typer


def migrate() -> None:
    """Bring the database of AFTERTURN_POSTGRES_URL to this release's schema.

    `afterturn up` does this by itself. Run it once per release where you run the services otherwise; running it
    again, or twice at once, does no harm.
    """
    from afterturn import settings as settings_module
    from afterturn.pipeline import prepare

    settings = settings_module.load()
    applied = prepare.prepare_database(settings.postgres_url.get_secret_value(), settings)
    for name in applied:
        typer.echo(f"applied {name}")
    if not applied:
        typer.echo("the schema is up to date")
