"""The command line `afterturn`. The module of a command is imported when the command is used.

A command's module imports little more than typer. The command imports everything else when it runs.
"""

from __future__ import annotations

import functools
from importlib.metadata import EntryPoint, entry_points, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

#: The entry point group in which installed packages register further commands, such as `worker`.
GROUP = "afterturn.commands"
#: Name of a command of this package, in the order of the help -> its function or typer app.
OWN_COMMANDS = {
    "demo": "api_shim.cli.demo.command:demo",
    "up": "api_shim.cli.up:up",
    "migrate": "api_shim.cli.migrate:migrate",
    "api": "api_shim.cli.api:api",
    "mcp": "api_shim.cli.mcp:mcp",
    "status": "api_shim.cli.status:status",
    "costs": "api_shim.cli.costs:costs",
    "dead": "api_shim.cli.dead:app",
    "write": "api_shim.cli.write:write",
    "history": "api_shim.cli.history:history",
    "recall": "api_shim.cli.recall:recall",
    "context": "api_shim.cli.context:context",
    "chat": "api_shim.cli.chat:chat",
    "users": "api_shim.cli.users:app",
    "sessions": "api_shim.cli.sessions:sessions",
    "facts": "api_shim.cli.facts:app",
    "threads": "api_shim.cli.threads:threads",
    "state": "api_shim.cli.state:app",
    "flush": "api_shim.cli.flush:flush",
    "export": "api_shim.cli.export:export",
    "import": "api_shim.cli.import_file:import_file",
    "forget": "api_shim.cli.forget:forget",
    "scrub": "api_shim.cli.scrub:scrub",
    "consolidate": "api_shim.cli.consolidate:consolidate",
    "cold": "api_shim.cli.cold:app",
    "embeddings": "api_shim.cli.embeddings:app",
    "keys": "api_shim.cli.keys:app",
    "audit": "api_shim.cli.audit:audit",
    "settings": "api_shim.cli.settings:settings",
}
_STYLE: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": "markdown"}


@functools.cache
def list_entry_points() -> dict[str, EntryPoint]:
    """Return the entry points of all commands by name: those of this package, then those of installed packages."""
    own = {name: EntryPoint(name, place, GROUP) for name, place in OWN_COMMANDS.items()}
    return own | {entry.name: entry for entry in entry_points(group=GROUP) if entry.name not in own}


class CommandGroup(TyperGroup):
    """The group of all commands. A command is loaded when it is run or when all commands are listed."""

    def list_commands(self, _: Any) -> list[str]:
        return list(list_entry_points())

    def get_command(self, _: Any, name: str) -> Any:
        entry = list_entry_points().get(name)
        if entry is None:
            # Perhaps a typing error: typer suggests similar names from `commands`.
            self.commands = {known_name: _load_command(known) for known_name, known in list_entry_points().items()}
            return None
        return _load_command(entry)


@functools.cache
def _load_command(entry: EntryPoint) -> Any:
    """Return the command of an entry point, which is a function or a typer app."""
    target = entry.load()
    if not isinstance(target, typer.Typer):
        function, target = target, typer.Typer(add_completion=False, **_STYLE)
        target.command(entry.name)(function)
    command = get_command(target)
    command.name = entry.name
    return command


app = typer.Typer(
    name="afterturn",
    cls=CommandGroup,
    no_args_is_help=True,
    help="Long-term memory for LLM agents. Workers build it in the background after each turn.\n\n"
    "Start with `afterturn up`. It includes Redis and PostgreSQL; no other installation is needed.\n\n"
    "Settings are environment variables AFTERTURN_…, or lines of a file `.env` in the current directory; "
    "`afterturn settings` lists them.",
    **_STYLE,
)


def _print_version(is_requested: bool) -> None:
    if is_requested:
        typer.echo(f"afterturn {version('afterturn')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass
