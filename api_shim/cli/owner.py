"""Whose memory a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings

User = Annotated[str, typer.Argument(help="Whose memory.")]
Tenant = Annotated[str | None, typer.Option(help="Of which tenant (AFTERTURN_TENANT).", show_default=False)]


def named(settings: Settings, tenant: str | None, user: str) -> UserScope:
    """Return the user that the command line names. Raises InvalidId."""
    from afterturn import ids
    from afterturn.scopes import UserScope

    tenant_id = settings.tenant if tenant is None else tenant
    return UserScope(ids.validate_id("tenant", tenant_id), ids.validate_id("user", user))
