"""`afterturn forget`: a user is forgotten, with a receipt."""

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

#: The places outside our stores that may still hold deleted content -> until when. See docs/how-to/forgetting.md.
REMAINS_ELSEWHERE = {
    "backups and replicas": "for as long as you keep them: restoring one brings the user back, so forget them again",
    "LLM and embedding providers": "what they were sent, for as long as their terms say",
}


def forget(
    user: User,
    tenant: Tenant = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    receipt: Annotated[
        Path | None, typer.Option(help="Write the receipt to this file as well, as JSON.", show_default=False)
    ] = None,
) -> None:
    """Forget a user: every row, every key, for good. It cannot be undone; `afterturn export` first, if in doubt.

    Work under way for the user is refused. The same id may be used again at once, and begins with nothing.

    Exit code 0: it is done. 1: not confirmed, nothing was done. 2: a server is away; the message says whether workers
    will finish it.
    """
    from afterturn import settings as settings_module
    from afterturn.errors import InvalidInput

    settings = settings_module.load()
    scope = owner.named(settings, tenant, user)
    if receipt is not None and not receipt.absolute().parent.is_dir():
        raise InvalidInput(f"{receipt.parent} is no directory; nothing was done")
    if not yes:
        _confirm(scope)
    done, remains = _forget(settings, scope)
    _print(done, remains)
    if receipt is not None:
        receipt.write_text(json.dumps(_as_json(done, remains), indent=2) + "\n", encoding="utf-8")


def _forget(settings: Settings, scope: UserScope) -> tuple[Receipt, dict[str, str]]:
    """Forget the user; return the receipt, and where deleted data is still on disk -> until when."""
    from afterturn.forgetting import erasures
    from afterturn.pipeline.runtime import Runtime

    runtime = Runtime(settings, pool_size=2)
    try:
        done = erasures.forget(runtime, scope)
    finally:
        runtime.close()
    of_stores = {what: until for store in runtime.user_stores for what, until in store.remains.items()}
    return done, of_stores | REMAINS_ELSEWHERE


def _confirm(scope: UserScope) -> None:
    from afterturn.errors import InvalidInput

    if not sys.stdin.isatty():
        raise InvalidInput("there is no terminal to ask at; --yes forgets without asking")
    if not typer.confirm(f"Forget user {scope.user_id!r} of tenant {scope.tenant_id!r}, for good?"):
        print("nothing was done", file=sys.stderr)
        raise typer.Exit(EXIT_NOT_CONFIRMED)


def _print(done: Receipt, remains: dict[str, str]) -> None:
    print(f"forgotten   {done.completed_at.isoformat()}")
    print(f"requested   {done.requested_at.isoformat()}")
    print(f"owner hash  {done.owner_hash}")
    print(f"erasure     {done.epoch}")
    print("removed" if done.removed else "removed     nothing: there was nothing")
    for name, count in sorted(done.removed.items()):
        print(f"  {count:>8} {name}")
    print("still on disk")
    for place, until in remains.items():
        print(f"  {place}: {until}")


def _as_json(done: Receipt, remains: dict[str, str]) -> dict[str, Any]:
    values = dataclasses.asdict(done)
    times = {name: values[name].isoformat() for name in ("requested_at", "completed_at")}
    return values | times | {"still_on_disk": remains}
