"""`afterturn history`: show the last turns of a conversation."""

from __future__ import annotations

from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Session, Tenant, User, UserOption


def history(
    user: User = None,
    user_option: UserOption = None,
    session: Session = "default",
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number of turns.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Show the last turns of a conversation, oldest first, also those that no worker has seen yet."""
    from api_shim.cli import reading

    client = owner.make_client(owner.choose(user, user_option), session, tenant=tenant, action="history")
    reading.print_turns(client.history(limit), as_json=as_json)
