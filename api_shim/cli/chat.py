"""`afterturn chat`: talk to the configured model, with memory."""

from __future__ import annotations

from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, User, UserOption


def chat(
    user: User = None,
    user_option: UserOption = None,
    session: Annotated[
        str | None,
        typer.Option("--session", "-s", help="Go on with this conversation. Default: a new one.", show_default=False),
    ] = None,
    tenant: Tenant = None,
    name: Annotated[str | None, typer.Option(help="Your name, for the facts about you.", show_default=False)] = None,
    system: Annotated[
        str | None, typer.Option(help="What the model is told first.", show_default=False)
    ] = "You are a helpful assistant.",
    tokens: Annotated[int, typer.Option(min=1, help="The largest number of tokens of memory and history.")] = 4_000,
    answer_tokens: Annotated[int, typer.Option(min=1, help="The largest number of tokens of an answer.")] = 2_000,
) -> None:
    """Talk to the model of AFTERTURN_LLM_MODEL. Beside each answer stand the memories in use, and what was learnt.

    End with Ctrl-D or an empty line. Start it again: the new conversation remembers this one.
    """
    from api_shim.cli.conversation import Conversation

    client = owner.make_client(owner.choose(user, user_option), session or _new_session(), tenant=tenant)
    Conversation(client, name=name, system=system, context_tokens=tokens, answer_tokens=answer_tokens).run()


def _new_session() -> str:
    from datetime import datetime

    return f"chat-{datetime.now():%Y-%m-%d-%H%M%S}"
