"""`afterturn audit`: who used the rights of an administrator."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.access.access_log import Entry


def audit(
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.", show_default=False)] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Only what was done to this user. Default tenant: AFTERTURN_TENANT.", show_default=False),
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this action, or a group: export, forget, keys, dead.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The largest number of entries.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")] = False,
) -> None:
    """List exports, erasures, reads of users' memories by commands, and changes of keys and dead letters, latest first.

    Of a user who was forgotten, entries show the owner hash, as the receipt does; `--user` finds them by it.
    """
    from afterturn import settings as settings_module
    from afterturn.access import access_log
    from afterturn.database.pool import worker_connection
    from afterturn.forgetting import erasures
    from api_shim.cli import owner

    settings = settings_module.load()
    scope = None if user is None else owner.make_scope(settings, tenant, user)
    with worker_connection(settings) as connection:
        entries = access_log.read(
            connection,
            tenant_id=tenant,
            user=scope,
            owner_hash=None if scope is None else erasures.owner_hash(scope),
            action=action,
            limit=limit,
        )
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, default=str))
    else:
        _print(entries)


def _print(entries: Sequence[Entry]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("when", "who", "what", "whom")
    table.columns[0].no_wrap = True
    for entry in entries:
        actor = entry.actor_kind if entry.actor is None else f"{entry.actor_kind} {entry.actor}"
        whom = entry.about_user or (entry.owner_hash and f"forgotten {entry.owner_hash[:12]}…") or entry.key_id or "-"
        table.add_row(
            entry.happened_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            escape(actor + (f"\n{entry.address}" if entry.address else "")),
            entry.action,
            escape(f"{entry.tenant_id} / {whom}"),
        )
    Console(highlight=False).print(table if entries else "no entries")
