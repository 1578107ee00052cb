"""The output of `afterturn keys`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from afterturn.access.api_key import ApiKey
from afterturn.access.keys import NewKey, Rotation
from afterturn.principal import EveryUser, UserPrefix
from api_shim.cli import times

#: Users that the table names; `--json` has all.
_USERS_SHOWN = 3


def print_new(made: NewKey, *, as_json: bool) -> None:
    """Print a key that was just created."""
    if as_json:
        _print_json(_as_json(made.row) | {"key": made.text})
        return
    typer.echo(made.text)
    _note(f"{_describe(made.row)}. This is the only time that the key is shown")
    _note(f'curl -H "Authorization: Bearer {made.row.prefix}…" …; from now on every request needs a credential')


def print_list(found: Sequence[ApiKey], *, as_json: bool) -> None:
    """Print keys as a table, or as a JSON list."""
    if as_json:
        _print_json([_as_json(key) for key in found])
        return
    console = Console(highlight=False)
    if not found:
        console.print("no keys; `afterturn keys create` makes one")
        return
    table = Table("key", "of", "rights", "used", "state")
    table.columns[0].no_wrap = True
    for key in found:
        name = escape(key.prefix) + (f"\n[dim]{escape(key.label)}[/]" if key.label else "")
        rights = ", ".join(sorted(key.principal.rights))
        table.add_row(name, escape(_owner(key)), rights, times.show(key.last_used_at) or "never", _state(key))
    console.print(table)


def print_rotation(rotation: Rotation, *, as_json: bool) -> None:
    """Print the new key, and until when the old one works."""
    if as_json:
        _print_json(_as_json(rotation.new.row) | {"key": rotation.new.text, "old": _as_json(rotation.old)})
        return
    typer.echo(rotation.new.text)
    _note(f"{_describe(rotation.new.row)}. This is the only time that the key is shown")
    _note(f"{rotation.old.prefix} works until {times.show(rotation.old.expires_at)}; to end it now: keys revoke")


def print_revoked(key: ApiKey, *, is_new: bool, as_json: bool) -> None:
    """Print that a key is revoked."""
    if as_json:
        _print_json(_as_json(key) | {"is_new": is_new})
        return
    when = "requests with it are refused within 5 seconds" if is_new else f"since {times.show(key.revoked_at)}"
    typer.echo(f"{key.prefix} is revoked; {when}")


def _note(text: str) -> None:
    """Print to stderr, so that stdout is the key alone."""
    typer.echo(text, err=True)


def _describe(key: ApiKey) -> str:
    ends = f"until {times.show(key.expires_at)}" if key.expires_at else "without an end"
    return f"{key.prefix} may {', '.join(sorted(key.principal.rights))} for {_owner(key)}, {ends}"


def _owner(key: ApiKey) -> str:
    users = key.principal.users
    match users:
        case EveryUser():
            named = "every user"
        case UserPrefix(text):
            named = f"{text}…"
        case _:
            shown = sorted(users)[:_USERS_SHOWN]
            more = f" and {len(users) - len(shown)} more" if len(users) > len(shown) else ""
            named = (", ".join(shown) or "nobody") + more
    return f"{key.principal.tenant_id} / {named}"


def _state(key: ApiKey) -> str:
    if key.state == "active":
        return f"until {times.show(key.expires_at)}" if key.expires_at else "active"
    return f"[dim]{key.state}[/]"


def _as_json(key: ApiKey) -> dict[str, Any]:
    users = key.principal.users
    return {
        "key_id": str(key.key_id),
        "prefix": key.prefix,
        "label": key.label,
        "tenant": key.principal.tenant_id,
        "users": sorted(users) if isinstance(users, frozenset) else None,
        "user_prefix": users.text if isinstance(users, UserPrefix) else None,
        "rights": sorted(key.principal.rights),
        "requests_per_minute": key.requests_per_minute,
        "state": key.state,
        "created_at": key.created_at.isoformat(),
        "expires_at": _iso(key.expires_at),
        "revoked_at": _iso(key.revoked_at),
        "last_used_at": _iso(key.last_used_at),
        "rotated_from": None if key.rotated_from is None else str(key.rotated_from),
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _print_json(values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False))
