"""`afterturn state`: read, write, list and delete documents of agent state."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Session, Tenant, UserOption

if TYPE_CHECKING:
    from afterturn import MemoryClient
    from afterturn.state.documents import StateScope

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Read and write documents of agent state.")

Key = Annotated[str, typer.Argument(metavar="KEY", help="The name of the document.")]
Agent = Annotated[str | None, typer.Option(help="The agent, for documents of an agent.", show_default=False)]
OfSession = Annotated[bool, typer.Option("--of-session", help="A document of the session, instead of the user.")]
Expected = Annotated[
    int | None, typer.Option(min=0, help="Only if it has this version; 0: only if there is none.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]


def _scope(agent: str | None, of_session: bool) -> StateScope:
    from afterturn.errors import InvalidInput

    if agent is not None and of_session:
        raise InvalidInput("--agent and --of-session are both given")
    return "session" if of_session else "user" if agent is None else "agent"


def _client(
    user: str | None, session: str, tenant: str | None, agent: str | None, action: str | None = None
) -> MemoryClient:
    return owner.make_client(owner.choose(None, user), session, tenant=tenant, agent=agent, action=action)


@app.command()
def get(
    key: Key,
    user: UserOption = None,
    tenant: Tenant = None,
    session: Session = "default",
    of_session: OfSession = False,
    agent: Agent = None,
    as_json: AsJson = False,
) -> None:
    """Print the value of a document as JSON. Without a document, exit with 1."""
    memory = _client(user, session, tenant, agent, "state.get")
    value, version = memory.state.get(key, scope=_scope(agent, of_session))
    if version == 0:
        typer.echo("no document", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps({"key": key, "version": version, "value": value} if as_json else value))


@app.command()
def put(
    key: Key,
    value: Annotated[str, typer.Argument(metavar="JSON", help="The value; `-` reads it from standard input.")],
    user: UserOption = None,
    tenant: Tenant = None,
    session: Session = "default",
    of_session: OfSession = False,
    agent: Agent = None,
    expected: Expected = None,
    ttl_seconds: Annotated[float | None, typer.Option(help="It expires after this time.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Write a document and print its version."""
    from afterturn.state import documents

    text = sys.stdin.buffer.read() if value == "-" else value.encode("utf-8", "surrogateescape")
    version = _client(user, session, tenant, agent).state.put(
        key, documents.parse(text), expected=expected, ttl_seconds=ttl_seconds, scope=_scope(agent, of_session)
    )
    typer.echo(json.dumps({"key": key, "version": version}) if as_json else str(version))


@app.command("list")
def list_documents(
    user: UserOption = None,
    tenant: Tenant = None,
    session: Session = "default",
    of_session: OfSession = False,
    agent: Agent = None,
    prefix: Annotated[str, typer.Option(help="Only keys that begin with this.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(help="Go on after the last document of a page: its cursor.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List documents by key, without their values."""
    memory = _client(user, session, tenant, agent, "state.list")
    found = memory.state.list(prefix=prefix, limit=limit, cursor=cursor, scope=_scope(agent, of_session))
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in found], default=datetime.isoformat))
        return
    for entry in found:
        typer.echo(f"{entry.key}\tversion {entry.version}")
    if len(found) == limit:
        typer.echo(f"there may be more: --cursor {found[-1].cursor}")
    if not found:
        typer.echo("no documents")


@app.command()
def delete(
    key: Key,
    user: UserOption = None,
    tenant: Tenant = None,
    session: Session = "default",
    of_session: OfSession = False,
    agent: Agent = None,
    expected: Expected = None,
) -> None:
    """Delete a document. Without a document, exit with 1."""
    memory = _client(user, session, tenant, agent)
    if not memory.state.delete(key, expected=expected, scope=_scope(agent, of_session)):
        typer.echo("no document", err=True)
        raise typer.Exit(1)
