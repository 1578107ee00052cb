"""The entry point of the command line."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from afterturn.errors import AfterturnError
from api_shim.cli import (
    consolidate,
    costs,
    dead,
    export,
    facts,
    forget,
    import_file,
    migrate,
    scrub,
    settings,
    status,
    up,
)
from api_shim.cli.demo import command as demo

#: A command that could not do what it was asked to; 1 is for a service that died while running.
EXIT_ERROR = 2

app = typer.Typer(
    name="afterturn",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Long-term memory for LLM agents, formed in the background after each turn.\n\n"
    "Start with `afterturn up`: it brings its own Redis and PostgreSQL, and needs nothing else installed.\n\n"
    "Settings come from environment variables AFTERTURN_…; docs/reference/settings.md lists them all.",
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("migrate")(migrate.migrate)
app.command("status")(status.status)
app.command("costs")(costs.costs)
app.add_typer(dead.app, name="dead")
app.add_typer(facts.app, name="facts")
app.command("export")(export.export)
app.command("import")(import_file.import_file)
app.command("forget")(forget.forget)
app.command("scrub")(scrub.scrub)
app.command("consolidate")(consolidate.consolidate)
app.command("settings")(settings.settings)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"afterturn {version('afterturn')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line. An AfterturnError becomes one line on stderr and exit code 2."""
    try:
        app()
    except AfterturnError as error:
        print(f"error [{error.code}]: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)


if __name__ == "__main__":
    main()
