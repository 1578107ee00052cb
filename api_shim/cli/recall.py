"""`afterturn recall`: search the memory of a user."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, UserOption


class Kind(StrEnum):
    """The kinds of memories."""

    FACT = "fact"
    TURN = "turn"
    EPISODE = "episode"


def recall(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[USER] [QUESTION]", help="The user, and a question or topic. Default: the newest turns."
        ),
    ] = None,
    user: UserOption = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number of memories.")] = 10,
    kind: Annotated[
        list[Kind] | None,
        typer.Option(help="Only memories of this kind. May be repeated. Default: fact and turn.", show_default=False),
    ] = None,
    topic: Annotated[
        list[str] | None, typer.Option(help="Only facts with this topic. May be repeated.", show_default=False)
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", "-s", help="Only memories of this conversation.", show_default=False)
    ] = None,
    since: Annotated[str | None, typer.Option(help="Only memories said since (ISO 8601).", show_default=False)] = None,
    until: Annotated[str | None, typer.Option(help="Only memories said before (ISO 8601).", show_default=False)] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Facts that were true at this time (ISO 8601).", show_default=False)
    ] = None,
    superseded: Annotated[bool, typer.Option("--superseded", help="Also superseded facts, after the others.")] = False,
    faded: Annotated[bool, typer.Option("--faded", help="Also plans and states that have faded.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show how each score was computed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list; its keys are stable.")] = False,
) -> None:
    """Show the memories that answer a question, best first, each with its evidence.

    Example: afterturn recall ana "Where does she live?"
    """
    from api_shim.cli import reading, times

    user_id, question = owner.split(words, user)
    found = owner.make_client(user_id, tenant=tenant, action="recall").recall(
        " ".join(question) or None,
        limit,
        kinds=kind or None,
        topics=topic or None,
        session_id=session,
        since=times.parse(since, "--since"),
        until=times.parse(until, "--until"),
        as_of=times.parse(as_of, "--as-of"),
        include_superseded=superseded,
        include_faded=faded,
        explain=explain,
    )
    reading.print_memories(found, as_json=as_json)
