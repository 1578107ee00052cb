"""The arguments that select the user of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings

User = Annotated[str, typer.Argument(help="The user.")]
Tenant = Annotated[
    str | None, typer.Option(help="The tenant of the user. Default: AFTERTURN_TENANT.", show_default=False)
]


def make_scope(settings: Settings, tenant: str | None, user: str) -> UserScope:
    """Return the scope of the user that the command line selects. Raises InvalidId."""
    from afterturn import ids
    from afterturn.scopes import UserScope

    tenant_id = settings.tenant if tenant is None else tenant
    return UserScope(ids.validate_known_id("tenant", tenant_id), ids.validate_known_id("user", user))
