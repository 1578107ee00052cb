"""`afterturn facts`: what is known of a user, why, since when, and what was known before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn import MemoryClient

app = typer.Typer(add_completion=False, help="What is known of a user, with its evidence.")

User = Annotated[str | None, typer.Option(help="Whose memory.", show_default=False)]
Tenant = Annotated[str | None, typer.Option(help="Of which tenant (AFTERTURN_TENANT).", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON; the keys are stable.")]


@app.callback(invoke_without_command=True)
def facts(
    context: typer.Context,
    user: User = None,
    tenant: Tenant = None,
    subject: Annotated[str | None, typer.Option(help="Only about this person or thing.", show_default=False)] = None,
    attribute: Annotated[str | None, typer.Option(help="Only this property of it.", show_default=False)] = None,
    topic: Annotated[str | None, typer.Option(help="Only with this topic.", show_default=False)] = None,
    category: Annotated[str | None, typer.Option(help="Only of this category.", show_default=False)] = None,
    superseded: Annotated[bool, typer.Option("--superseded", help="Those as well whose place was taken.")] = False,
    as_of: Annotated[
        str | None,
        typer.Option(help="The facts of that moment, in ISO 8601; this machine's timezone unless it names one."),
    ] = None,
    recorded: Annotated[
        bool, typer.Option("--recorded", help="With --as-of: what was believed then, instead of what was true then.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many, those said last first.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List a user's current facts, each with its evidence."""
    if context.invoked_subcommand is not None:
        return
    from api_shim.cli import fact_list

    found = _memory(user, tenant).facts(
        subject=subject,
        attribute=attribute,
        topic=topic,
        category=category,
        include_superseded=superseded,
        as_of=None if as_of is None else _moment(as_of),
        time="recorded" if recorded else "world",
        limit=limit,
    )
    fact_list.print_facts(found, as_json=as_json)


@app.command()
def history(
    fact: Annotated[str, typer.Argument(metavar="FACT", help="A fact's id; any version of it will do.")],
    user: User = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show all versions of a fact, oldest first, and why each one's place was taken."""
    from api_shim.cli import fact_list

    fact_list.print_facts(_memory(user, tenant).fact_history(fact), as_json=as_json)


def _memory(user: str | None, tenant: str | None) -> MemoryClient:
    from afterturn import MemoryClient, settings
    from afterturn.errors import InvalidInput

    if user is None:
        raise InvalidInput("say whose memory: --user")
    return MemoryClient(user, tenant_id=tenant, settings=settings.load())


def _moment(text: str) -> datetime:
    from afterturn.errors import InvalidInput

    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise InvalidInput(
            f"--as-of must be a date or time in ISO 8601, such as 2024-05-01T12:00, not {text!r}"
        ) from None
