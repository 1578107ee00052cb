"""`afterturn status`: what waits, for how long, and what is wrong."""

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
#: How often --watch looks.
WATCH_SECONDS = 2.0


def status(
    tenant: Annotated[
        str | None, typer.Option(help="Only this tenant's.", metavar="TENANT", show_default=False)
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Only this user's (of AFTERTURN_TENANT where --tenant names none).", show_default=False),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="Freshness of the turns of the last minutes.")] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object; its keys are stable.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds, until Ctrl-C.")] = False,
) -> None:
    """Show what waits at each stage and for how long, what is paused or dead, and how fresh the memory is.

    Exit code 0: the objective is met. 1: a turn has waited for longer than AFTERTURN_FRESHNESS_OBJECTIVE_SECONDS.
    2: a server is away; what the others know is printed all the same. 3: many batches died in the last minutes.
    docs/how-to/operating.md says what to do then.
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

    def look() -> Status:
        return reading.read(settings, reports.status(settings, selection))

    if watch:
        _watch(look, as_json=as_json)
        return
    found = look()
    _print(found, as_json=as_json)
    raise typer.Exit(_exit_code(found))


def _exit_code(found: Status) -> int:
    if found.away:
        return EXIT_SERVER_AWAY
    if found.stored is not None and found.stored.ended.is_mass_death:
        return EXIT_MASS_DEATH
    return 0 if found.is_objective_met else EXIT_OBJECTIVE_MISSED


def _print(found: Status, *, as_json: bool) -> None:
    from rich.console import Console

    from afterturn.watching import status_json
    from api_shim.cli import status_table

    if as_json:
        print(json.dumps(status_json.as_json(found), ensure_ascii=False), flush=True)
    else:
        Console(highlight=False).print(status_table.of(found))


def _watch(look: Callable[[], Status], *, as_json: bool) -> None:
    """Show it again and again: in place on a terminal, as one JSON object a line otherwise."""
    from rich.live import Live

    from api_shim.cli import status_table

    try:
        if as_json:
            while True:
                _print(look(), as_json=True)
                time.sleep(WATCH_SECONDS)
        with Live(status_table.of(look()), auto_refresh=False) as live:
            while True:
                time.sleep(WATCH_SECONDS)
                live.update(status_table.of(look()), refresh=True)
    except KeyboardInterrupt:
        return
