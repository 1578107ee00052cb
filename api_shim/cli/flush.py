"""`afterturn flush`: process the pending turns of a session now."""

from __future__ import annotations

from typing import Annotated

import typer

from api_shim.cli.owner import Tenant, User


def flush(
    user: User,
    session: Annotated[str, typer.Argument(help="The session.")] = "default",
    tenant: Tenant = None,
    wait: Annotated[
        float | None,
        typer.Option(min=0, help="Wait until the turns are processed, at most so many seconds.", show_default=False),
    ] = None,
) -> None:
    """Cut and process the pending turns of a session without waiting for a full batch.

    Exit code 0: done. 2: with --wait, the turns were not processed in time (flush_timeout), or a batch of them is dead
    (flush_failed).
    """
    from afterturn import MemoryClient
    from afterturn import settings as settings_module

    settings = settings_module.load_with(tenant=tenant)
    MemoryClient(user, session, settings=settings).flush(wait)
