"""`afterturn threads`: list how the matters of a user developed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, User, UserOption


def threads(
    user: User = None,
    user_option: UserOption = None,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1_000, help="The largest number.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list; its keys are stable.")] = False,
) -> None:
    """List how the matters of a user developed: dated steps, and how it stands now. They are written by night."""
    from rich.console import Console
    from rich.markup import escape

    found = owner.make_client(owner.choose(user, user_option), tenant=tenant, action="threads").threads(limit=limit)
    if as_json:
        values = [asdict(thread) | {"text": thread.text} for thread in found]
        print(json.dumps(values, ensure_ascii=False, default=str))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no threads")
    for thread in found:
        by_rules = " [dim](by rules)[/dim]" if thread.is_by_rules else ""
        console.print(f"[bold]{escape(thread.title)}[/bold]{by_rules}", soft_wrap=True)
        for step in thread.steps:
            console.print(f"  {step.day}  {escape(step.text)}", soft_wrap=True)
        if thread.state is not None:
            console.print(f"  now         {escape(thread.state.text)}", soft_wrap=True)
