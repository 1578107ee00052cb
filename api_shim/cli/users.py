"""`afterturn users`: list the users of a tenant."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer


def users(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant. Default: AFTERTURN_TENANT.", show_default=False)
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="Only users whose ids begin with this.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number of users.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after the last user of a page: its cursor.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list; its keys are stable.")] = False,
) -> None:
    """List the users of a tenant in the order of their ids, with the sizes of their memories."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from afterturn import settings as settings_module
    from afterturn.watching import reading, reports
    from api_shim.cli import times

    settings = settings_module.load()
    report = reports.users(tenant or settings.tenant, prefix=prefix, limit=limit, cursor=cursor)
    found = reading.read_report(settings, report)
    if as_json:
        print(json.dumps([asdict(user) for user in found], ensure_ascii=False, default=datetime.isoformat))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no users")
        return
    table = Table("user", "sessions", "facts", "last active")
    for user in found:
        active = times.show(user.last_active_at)
        table.add_row(escape(user.user_id), str(user.sessions), str(user.current_facts), active)
    console.print(table)
    if len(found) == limit:
        console.print(f"there may be more: --cursor {found[-1].cursor}", soft_wrap=True)
