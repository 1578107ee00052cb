"""`afterturn sessions`: list the conversations of a user."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, User, UserOption


def sessions(
    user: User = None,
    user_option: UserOption = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after the last conversation of a page: its cursor.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list; its keys are stable.")] = False,
) -> None:
    """List the conversations of a user: those that are not archived yet first, then the last active first."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from api_shim.cli import times

    client = owner.make_client(owner.choose(user, user_option), tenant=tenant, action="sessions")
    found = client.sessions(limit=limit, cursor=cursor)
    if as_json:
        print(json.dumps([asdict(session) for session in found], ensure_ascii=False, default=datetime.isoformat))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no sessions")
        return
    table = Table("session", "turns", "last active")
    for session in found:
        table.add_row(escape(session.session_id), str(session.turns), times.show(session.last_active_at))
    console.print(table)
    if len(found) == limit:
        console.print(f"there may be more: --cursor {found[-1].cursor}", soft_wrap=True)
