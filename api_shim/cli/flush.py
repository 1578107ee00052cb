"""`afterturn flush`: process the pending turns of a session now."""

from __future__ import annotations

from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, UserOption


def flush(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[USER] [SESSION]", help="The user, and the conversation (default).", show_default=False
        ),
    ] = None,
    user: UserOption = None,
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
    from afterturn.errors import InvalidInput

    user_id, sessions = owner.split(words, user)
    if len(sessions) > 1:
        raise InvalidInput(f"one session is flushed at a time, not {len(sessions)}")
    owner.make_client(user_id, *sessions, tenant=tenant).flush(wait)
