"""`afterturn keys create | list | rotate | revoke`: the keys of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.principal import Principal

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Keys of the HTTP API. A key is for one tenant, for all its users or for some, with the right to read, to "
    "write, or to administer. Only its hash is stored: `create` and `rotate` print the key once.\n\n"
    "From the first key on, every request needs a credential, also on this machine. Changes take effect within 5 "
    "seconds.",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]
Tenant = Annotated[
    str | None, typer.Option(help="The tenant of the key. Default: AFTERTURN_TENANT.", show_default=False)
]
AnyTenant = Annotated[str | None, typer.Option(help="Only keys of this tenant.", show_default=False)]
Key = Annotated[str, typer.Argument(metavar="KEY", help="Its id, or its beginning: both are in `keys list`.")]


@app.command()
def create(
    tenant: Tenant = None,
    user: Annotated[
        list[str] | None,
        typer.Option(help="Only this user; may be repeated. Default: every user.", show_default=False),
    ] = None,
    user_prefix: Annotated[
        str | None, typer.Option(help="Only users whose ids begin with this.", show_default=False)
    ] = None,
    read: Annotated[bool, typer.Option("--read", help="May read. Without a right: --read --write.")] = False,
    write: Annotated[bool, typer.Option("--write", help="May write turns and edit facts.")] = False,
    admin: Annotated[
        bool, typer.Option("--admin", help="May export and forget users, and replay dead letters.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: 90d, 12h, 30m, or 2027-01-31T12:00Z. Default: never.", show_default=False),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="What it is for. Name no person: labels are no user data.", show_default=False)
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(help="Its rate limit. Default: AFTERTURN_API_REQUESTS_PER_MINUTE.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a key and print it. It cannot be shown again.

    Example: `afterturn keys create --label agents --expires 90d`
    """
    from afterturn import settings as settings_module
    from afterturn.access import access_log, keys
    from afterturn.database.pool import worker_connection
    from api_shim.cli import keys_table

    settings = settings_module.load()
    principal = _make_principal(tenant or settings.tenant, user or [], user_prefix, read, write, admin)
    ends_at, ends_in = _parse_end(expires)
    with worker_connection(settings) as connection:
        made = keys.create(
            connection,
            principal,
            actor=access_log.make_system_actor(),
            label=label,
            expires_at=ends_at,
            expires_in_seconds=ends_in,
            requests_per_minute=requests_per_minute,
        )
    keys_table.print_new(made, as_json=as_json)


@app.command("list")
def list_keys(
    tenant: AnyTenant = None,
    all_of_them: Annotated[bool, typer.Option("--all", help="Also keys that are revoked or expired.")] = False,
    as_json: AsJson = False,
) -> None:
    """List keys, the newest first. A use is recorded at most once a minute."""
    from afterturn import settings as settings_module
    from afterturn.access import keys
    from afterturn.database.pool import worker_connection
    from api_shim.cli import keys_table

    with worker_connection(settings_module.load()) as connection:
        found = keys.list_keys(connection, tenant_id=tenant, with_ended=all_of_them)
    keys_table.print_list(found, as_json=as_json)


@app.command()
def rotate(
    key: Key,
    grace: Annotated[str, typer.Option(help="How long the old key goes on working: 0s, 30m, 12h, 7d.")] = "1h",
    tenant: AnyTenant = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key in the place of an old one, and print it. The old one goes on working for the grace time.

    The new key has the users, the rights and the end of the old one.
    """
    from afterturn import settings as settings_module
    from afterturn.access import access_log, keys
    from afterturn.database.pool import worker_connection
    from api_shim.cli import keys_table
    from api_shim.cli.durations import parse_seconds

    seconds = parse_seconds("--grace", grace)
    with worker_connection(settings_module.load()) as connection:
        actor = access_log.make_system_actor()
        rotation = keys.rotate(connection, key, actor=actor, grace_seconds=seconds, tenant_id=tenant)
    keys_table.print_rotation(rotation, as_json=as_json)


@app.command()
def revoke(key: Key, tenant: AnyTenant = None, as_json: AsJson = False) -> None:
    """End a key. Requests with it are refused within 5 seconds. Revoking it again changes nothing.

    A key that replaced it goes on working.
    """
    from afterturn import settings as settings_module
    from afterturn.access import access_log, keys
    from afterturn.database.pool import worker_connection
    from api_shim.cli import keys_table

    with worker_connection(settings_module.load()) as connection:
        revoked, is_new = keys.revoke(connection, key, actor=access_log.make_system_actor(), tenant_id=tenant)
    keys_table.print_revoked(revoked, is_new=is_new, as_json=as_json)


def _make_principal(
    tenant: str, users: list[str], user_prefix: str | None, read: bool, write: bool, admin: bool
) -> Principal:
    """Return what the options describe. Raises InvalidInput."""
    from afterturn.errors import InvalidInput
    from afterturn.principal import EveryUser, Principal, Right, UserPrefix

    if users and user_prefix is not None:
        raise InvalidInput("give --user or --user-prefix, not both: a key names users, or a prefix of their ids")
    named = {Right.READ: read, Right.WRITE: write, Right.ADMIN: admin}
    rights = frozenset(right for right, is_given in named.items() if is_given)
    return Principal(
        tenant_id=tenant,
        users=frozenset(users) or (EveryUser() if user_prefix is None else UserPrefix(user_prefix)),
        rights=rights or frozenset({Right.READ, Right.WRITE}),
    )


def _parse_end(text: str | None) -> tuple[datetime | None, float | None]:
    """Return the time or the number of seconds that --expires means. Raises InvalidInput."""
    from api_shim.cli.durations import is_duration, parse_seconds, parse_time

    if text is None:
        return None, None
    return (None, parse_seconds("--expires", text)) if is_duration(text) else (parse_time("--expires", text), None)
