"""The command line: its commands, of which none is imported before it is asked for.

A command's module imports little more than typer; what the command works with, it imports when it runs.
"""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

#: Under this name, installed packages register commands that are not the door's own: the engine's, above all.
GROUP = "afterturn.commands"
#: The door's own commands, in the order of the help, and where each is: a function, or a typer app.
OWN = {
    "demo": "api_shim.cli.demo.command:demo",
    "up": "api_shim.cli.up:up",
    "migrate": "api_shim.cli.migrate:migrate",
    "api": "api_shim.cli.api:api",
    "status": "api_shim.cli.status:status",
    "costs": "api_shim.cli.costs:costs",
    "dead": "api_shim.cli.dead:app",
    "facts": "api_shim.cli.facts:app",
    "export": "api_shim.cli.export:export",
    "import": "api_shim.cli.import_file:import_file",
    "forget": "api_shim.cli.forget:forget",
    "scrub": "api_shim.cli.scrub:scrub",
    "consolidate": "api_shim.cli.consolidate:consolidate",
    "settings": "api_shim.cli.settings:settings",
}
_STYLE: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": "markdown"}


@functools.cache
def registered() -> dict[str, EntryPoint]:
    """Return all commands by their names: the door's own, then those that installed packages have registered."""
    own = {name: EntryPoint(name, place, GROUP) for name, place in OWN.items()}
    return own | {found.name: found for found in entry_points(group=GROUP) if found.name not in own}


class Commands(TyperGroup):
    """The group of all commands; each is loaded when it is asked for, by its name or for the list of them all."""

    def list_commands(self, _: Any) -> list[str]:
        return list(registered())

    def get_command(self, _: Any, name: str) -> Any:
        found = registered().get(name)
        if found is None:
            # A typing error, perhaps: typer looks for what is meant among these.
            self.commands = {known: _loaded(one) for known, one in registered().items()}
            return None
        return _loaded(found)


@functools.cache
def _loaded(found: EntryPoint) -> Any:
    """Return the command that an entry point names: a function, or a typer app."""
    target = found.load()
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, **_STYLE)
        target.command(found.name)(function)
    command = get_command(target)
    command.name = found.name
    return command


app = typer.Typer(
    name="afterturn",
    cls=Commands,
    no_args_is_help=True,
    help="Long-term memory for LLM agents, formed in the background after each turn.\n\n"
    "Start with `afterturn up`: it brings its own Redis and PostgreSQL, and needs nothing else installed.\n\n"
    "Settings come from environment variables AFTERTURN_…; docs/reference/settings.md lists them all.",
    **_STYLE,
)


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
