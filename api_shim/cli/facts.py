"""`afterturn facts`: list the facts of a user, and the versions of a fact."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn import MemoryClient

app = typer.Typer(add_completion=False, help="List the facts of a user with their evidence.")

User = Annotated[str | None, typer.Option(help="The user.", show_default=False)]
Tenant = Annotated[
    str | None, typer.Option(help="The tenant of the user. Default: AFTERTURN_TENANT.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]


@app.callback(invoke_without_command=True)
def facts(
    context: typer.Context,
    user: User = None,
    tenant: Tenant = None,
    subject: Annotated[
        str | None, typer.Option(help="Only facts about the person or thing with this name.", show_default=False)
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="Only facts with this attribute, such as lives_in.", show_default=False)
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only facts with this topic.", show_default=False)] = None,
    category: Annotated[str | None, typer.Option(help="Only facts of this category.", show_default=False)] = None,
    superseded: Annotated[bool, typer.Option("--superseded", help="Also list superseded facts.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(help="List the facts at this time (ISO 8601). Default timezone: that of this machine."),
    ] = None,
    recorded: Annotated[
        bool,
        typer.Option("--recorded", help="With --as-of: facts that were stored as current then, instead of true then."),
    ] = False,
    limit: Annotated[
        int,
        typer.Option(min=1, max=1_000, help="The largest number of facts; the most recently said are listed first."),
    ] = 100,
    as_json: AsJson = False,
) -> None:
    """List the current facts of a user with their evidence."""
    if context.invoked_subcommand is not None:
        return
    from api_shim.cli import fact_list

    current = _make_client(user, tenant, "facts.list").facts(
        subject=subject,
        attribute=attribute,
        topic=topic,
        category=category,
        include_superseded=superseded,
        as_of=None if as_of is None else _parse_time(as_of),
        time="recorded" if recorded else "world",
        limit=limit,
    )
    fact_list.print_facts(current, as_json=as_json)


@app.command()
def history(
    fact: Annotated[str, typer.Argument(metavar="FACT", help="The id of any version of the fact.")],
    user: User = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List all versions of a fact, oldest first, with the reason why each was superseded."""
    from api_shim.cli import fact_list

    fact_list.print_facts(_make_client(user, tenant, "facts.history").fact_history(fact), as_json=as_json)


def _make_client(user: str | None, tenant: str | None, action: str) -> MemoryClient:
    """Return the client for a user's facts, after an entry of this action in the access log."""
    from afterturn import MemoryClient
    from afterturn import settings as settings_module
    from afterturn.errors import InvalidInput
    from api_shim.cli import audited, owner

    if user is None:
        raise InvalidInput("--user is missing: whose facts?")
    settings = settings_module.load()
    client = MemoryClient(user, tenant_id=tenant, settings=settings)
    audited.record(settings, action, owner.make_scope(settings, tenant, user))
    return client


def _parse_time(text: str) -> datetime:
    from afterturn.errors import InvalidInput

    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InvalidInput(
            f"--as-of must be a date or time in ISO 8601, such as 2024-05-01T12:00, not {text!r}"
        ) from None
