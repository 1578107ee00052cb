"""`afterturn users`: list the users of a tenant. `afterturn users merge`: merge one into another."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, invoke_without_command=True)

EXIT_NOT_CONFIRMED = 1


@app.callback()
def users(
    context: typer.Context,
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
    if context.invoked_subcommand is not None:
        return
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


@app.command()
def merge(
    source: Annotated[str, typer.Argument(help="The user who vanishes, such as an anonymous visitor who signed in.")],
    target: Annotated[str, typer.Argument(help="The user who gets everything.")],
    tenant: Annotated[
        str | None, typer.Option(help="The tenant of both. Default: AFTERTURN_TENANT.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")] = False,
) -> None:
    """Merge a user into another one: turns, facts, summaries and all else. It cannot be undone.

    Turns that are still written for the source are archived for the target. Duplicates and contradictions are resolved
    by the workers, as in each nightly consolidation. The same command again prints the same receipt.

    Exit code 0: completed. 1: not confirmed. 2: refused, or a server is unavailable; the message says whether workers
    will complete it.
    """
    from afterturn import settings as settings_module
    from afterturn.access import access_log
    from afterturn.errors import InvalidInput
    from afterturn.pipeline.runtime import Runtime
    from afterturn.pipeline.stages import merge as merging
    from api_shim.cli import owner

    settings = settings_module.load()
    scopes = [owner.make_scope(settings, tenant, name) for name in (source, target)]
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInput("confirmation needs a terminal; use --yes to merge without confirmation")
        if not typer.confirm(f"Merge user {source!r} into {target!r}? This cannot be undone."):
            raise typer.Exit(EXIT_NOT_CONFIRMED)
    runtime = Runtime(settings, pool_size=3)
    try:
        receipt = merging.merge_users(runtime, *scopes, actor=access_log.make_system_actor())
    finally:
        runtime.close()
    if as_json:
        print(json.dumps(asdict(receipt), default=str))
        return
    print(f"merge       {receipt.merge_id}\ncompleted   {receipt.completed_at}")
    print("moved" if receipt.moved else "moved       nothing: no data was stored")
    for name, count in receipt.moved.items():
        print(f"  {count:>8} {name}")
    for old, new in receipt.sessions.items():
        print(f"session     {old} is {new} now")
