"""`afterturn status`: show the open work, its age, and problems."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.watching.status import Status

EXIT_OBJECTIVE_MISSED = 1
EXIT_SERVER_AWAY = 2
EXIT_MASS_DEATH = 3
#: The time between two readings of --watch.
WATCH_SECONDS = 2.0


def status(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.", metavar="TENANT", show_default=False)] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Only this user. Default tenant: AFTERTURN_TENANT.", show_default=False),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.1, help="Measure freshness over the turns of this many minutes.")
    ] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Update every two seconds, until Ctrl-C.")] = False,
) -> None:
    """Show the waiting work of each stage with its age, paused and dead batches, and the freshness of the memory.

    Exit code 0: the objective is met. 1: a turn has waited for longer than AFTERTURN_FRESHNESS_OBJECTIVE_SECONDS, or no
    worker serves some stage, or no sweep is completed. 2: a server is away; the data of the other servers is printed.
    3: many batches became dead in these minutes. See docs/how-to/operating.md.
    """
    from afterturn import settings as settings_module
    from afterturn.watching import reading, reports
    from afterturn.watching.status import Selection

    settings = settings_module.load()
    selection = Selection(
        tenant_id=settings.tenant if user is not None and tenant is None else tenant,
        user_id=user,
        freshness_minutes=minutes,
    )

    def read_status() -> Status:
        return reading.read_report(settings, reports.status(settings, selection))

    if watch:
        _watch(read_status, as_json=as_json)
        return
    found = read_status()
    _print(found, as_json=as_json)
    raise typer.Exit(_exit_code(found))


def _exit_code(found: Status) -> int:
    if found.away:
        return EXIT_SERVER_AWAY
    if found.stored is not None and found.stored.outcomes.is_mass_death:
        return EXIT_MASS_DEATH
    return 0 if found.is_objective_met else EXIT_OBJECTIVE_MISSED


def _print(found: Status, *, as_json: bool) -> None:
    from rich.console import Console

    from afterturn.watching import status_json
    from api_shim.cli import status_table

    if as_json:
        print(json.dumps(status_json.as_json(found), ensure_ascii=False), flush=True)
    else:
        Console(highlight=False).print(status_table.make_view(found))


def _watch(read_status: Callable[[], Status], *, as_json: bool) -> None:
    """Print the status repeatedly: tables that are updated in place, or one JSON object per line."""
    from rich.live import Live

    from api_shim.cli import status_table

    try:
        if as_json:
            while True:
                _print(read_status(), as_json=True)
                time.sleep(WATCH_SECONDS)
        with Live(status_table.make_view(read_status()), auto_refresh=False) as live:
            while True:
                time.sleep(WATCH_SECONDS)
                live.update(status_table.make_view(read_status()), refresh=True)
    except KeyboardInterrupt:
        return
