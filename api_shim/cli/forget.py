"""`afterturn forget`: delete all data of a user and print a receipt."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, User

if TYPE_CHECKING:
    from afterturn.forgetting.erasures import Receipt
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings

EXIT_NOT_CONFIRMED = 1


def forget(
    user: User,
    tenant: Tenant = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    receipt: Annotated[
        Path | None, typer.Option(help="Also write the receipt to this file, as JSON.", show_default=False)
    ] = None,
) -> None:
    """Delete all data of a user: every row and every key. This cannot be undone; `afterturn export` makes a copy.

    Work in progress for the user is discarded. The user id can be used again at once, with an empty memory.

    Exit code 0: everything is deleted. 1: not confirmed, nothing was deleted. 2: a server is unavailable; the message
    says whether workers will finish the deletion.
    """
    from afterturn import settings as settings_module
    from afterturn.errors import InvalidInput

    settings = settings_module.load()
    scope = owner.make_scope(settings, tenant, user)
    if receipt is not None and not receipt.absolute().parent.is_dir():
        raise InvalidInput(f"{receipt.parent} is not a directory; nothing was deleted")
    if not yes:
        _confirm(scope)
    done, remains = _forget(settings, scope)
    _print(done, remains)
    if receipt is not None:
        receipt.write_text(json.dumps(_as_json(done, remains), indent=2) + "\n", encoding="utf-8")


def _forget(settings: Settings, scope: UserScope) -> tuple[Receipt, dict[str, str]]:
    """Forget the user. Return the receipt, and a mapping: place where deleted data remains on disk -> until when."""
    from afterturn.access import access_log
    from afterturn.forgetting import erasures
    from afterturn.pipeline.runtime import Runtime
    from api_shim import remains

    runtime = Runtime(settings, pool_size=2)
    try:
        receipt = erasures.forget(runtime, scope, actor=access_log.make_system_actor())
    finally:
        runtime.close()
    return receipt, remains.list_remains(runtime.user_stores)


def _confirm(scope: UserScope) -> None:
    from afterturn.errors import InvalidInput

    if not sys.stdin.isatty():
        raise InvalidInput("confirmation needs a terminal; use --yes to delete without confirmation")
    if not typer.confirm(
        f"Delete all data of user {scope.user_id!r} of tenant {scope.tenant_id!r}? This cannot be undone."
    ):
        print("nothing was deleted", file=sys.stderr)
        raise typer.Exit(EXIT_NOT_CONFIRMED)


def _print(done: Receipt, remains: dict[str, str]) -> None:
    print(f"forgotten   {done.completed_at.isoformat()}")
    print(f"requested   {done.requested_at.isoformat()}")
    print(f"owner hash  {done.owner_hash}")
    print(f"erasure     {done.epoch}")
    print("removed" if done.removed else "removed     nothing: no data was stored")
    for name, count in sorted(done.removed.items()):
        print(f"  {count:>8} {name}")
    print("still on disk")
    for place, until in remains.items():
        print(f"  {place}: {until}")


def _as_json(done: Receipt, remains: dict[str, str]) -> dict[str, Any]:
    values = dataclasses.asdict(done)
    times = {name: values[name].isoformat() for name in ("requested_at", "completed_at")}
    return values | times | {"still_on_disk": remains}
