"""`afterturn context`: show the messages that a prompt would begin with."""

from __future__ import annotations

from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Session, Tenant, UserOption


def context(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[USER] [QUESTION]", help="The user, and what the prompt is about."),
    ] = None,
    user: UserOption = None,
    session: Session = "default",
    tenant: Tenant = None,
    tokens: Annotated[int, typer.Option(min=1, help="The largest number of tokens of all messages.")] = 2_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")] = False,
) -> None:
    """Show the messages for a prompt: the user's memory, marked as data, and the last turns of the conversation."""
    from api_shim.cli import reading

    user_id, question = owner.split(words, user)
    client = owner.make_client(user_id, session, tenant=tenant, action="context")
    reading.print_context(client.context(" ".join(question) or None, tokens), as_json=as_json)
