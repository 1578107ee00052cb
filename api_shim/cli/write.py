"""`afterturn write`: write one turn of a conversation."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Session, Tenant, UserOption


def write(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[USER] TEXT", help="The user and the text; `-` reads the text from standard input."),
    ] = None,
    user: UserOption = None,
    session: Session = "default",
    tenant: Tenant = None,
    role: Annotated[
        str, typer.Option(help="user, assistant, system, tool, or exchange for both sides in one.")
    ] = "user",
    name: Annotated[str | None, typer.Option(help="The speaker's name.", show_default=False)] = None,
    agent: Annotated[str | None, typer.Option(help="The agent that writes it.", show_default=False)] = None,
    turn_id: Annotated[
        str | None, typer.Option(help="The turn's id: writing it again has no effect. Default: a new one.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it was said (ISO 8601). Default: now.", show_default=False)
    ] = None,
    metadata: Annotated[
        str | None, typer.Option(help='Your own data, such as {"page": 3}.', show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write one turn and print its id. Workers build the memory from it afterwards.

    Example: afterturn write ana "I moved to Porto." --name Ana
    """
    from afterturn.errors import InvalidInput
    from api_shim.cli import times

    user_id, texts = owner.split(words, user)
    if not texts:
        raise InvalidInput("the text is missing: afterturn write USER TEXT")
    content = sys.stdin.read() if texts == ["-"] else " ".join(texts)
    written = owner.make_client(user_id, session, tenant=tenant, agent=agent).write(
        role,
        content,
        turn_id=turn_id,
        name=name,
        occurred_at=times.parse(at, "--at"),
        metadata=_parse_metadata(metadata),
    )
    typer.echo(json.dumps({"turn_id": written}) if as_json else written)


def _parse_metadata(text: str | None) -> dict[str, Any] | None:
    from afterturn.errors import InvalidInput

    if text is None:
        return None
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidInput('--metadata must be a JSON object, such as {"page": 3}')
    return parsed
