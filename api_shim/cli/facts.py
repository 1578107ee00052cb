"""`afterturn facts`: list the facts of a user, the versions of a fact, and contradictions; settle one."""

from __future__ import annotations

from typing import Annotated

import typer

from afterturn.lives import LifeName
from api_shim.cli import owner
from api_shim.cli.owner import Tenant, UserGroup, UserOption

app = typer.Typer(cls=UserGroup, add_completion=False, help="List the facts of a user with their evidence.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]


@app.callback(invoke_without_command=True)
def facts(
    context: typer.Context,
    user: UserOption = None,
    tenant: Tenant = None,
    subject: Annotated[
        str | None, typer.Option(help="Only facts about the person or thing with this name.", show_default=False)
    ] = None,
    attribute: Annotated[
        str | None, typer.Option(help="Only facts with this attribute, such as lives_in.", show_default=False)
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only facts with this topic.", show_default=False)] = None,
    category: Annotated[str | None, typer.Option(help="Only facts of this category.", show_default=False)] = None,
    life: Annotated[
        LifeName | None, typer.Option(help="Only facts of this kind of statement.", show_default=False)
    ] = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Also list superseded facts, and facts that have faded.")
    ] = False,
    faded: Annotated[bool, typer.Option("--faded", help="Also list plans and states that have faded.")] = False,
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
    from api_shim.cli import fact_list, times

    current = owner.make_client(owner.choose(None, user), tenant=tenant, action="facts.list").facts(
        subject=subject,
        attribute=attribute,
        topic=topic,
        category=category,
        life=life,
        include_superseded=superseded,
        include_faded=faded,
        as_of=times.parse(as_of, "--as-of"),
        time="recorded" if recorded else "world",
        limit=limit,
    )
    fact_list.print_facts(current, as_json=as_json)


@app.command()
def history(
    fact: Annotated[str, typer.Argument(metavar="FACT", help="The id of any version of the fact.")],
    user: UserOption = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List all versions of a fact, oldest first, with the reason why each was superseded."""
    from api_shim.cli import fact_list

    fact_list.print_facts(
        owner.make_client(owner.choose(None, user), tenant=tenant, action="facts.history").fact_history(fact),
        as_json=as_json,
    )


@app.command()
def contradictions(
    user: UserOption = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="The largest number of pairs.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the pairs of current facts that cannot both be true, those found last first."""
    from api_shim.cli import fact_list

    client = owner.make_client(owner.choose(None, user), tenant=tenant, action="facts.contradictions")
    fact_list.print_contradictions(client.contradictions(limit=limit), as_json=as_json)


@app.command()
def keep(
    fact: Annotated[str, typer.Argument(metavar="FACT", help="The id of the fact that is right.")],
    user: UserOption = None,
    tenant: Tenant = None,
) -> None:
    """Keep a fact, and supersede the facts that contradict it."""
    owner.make_client(owner.choose(None, user), tenant=tenant, action="facts.keep").keep_fact(fact)
