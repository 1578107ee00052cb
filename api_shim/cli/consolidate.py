"""`afterturn consolidate`: tidy the whole memory of a user now, or show what tidying would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api_shim.cli.owner import Tenant, User, UserOption

if TYPE_CHECKING:
    from afterturn.sleep.tidying import TidyingPlan


def consolidate(
    user: User = None,
    user_option: UserOption = None,
    tenant: Tenant = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the changes.")] = False,
) -> None:
    """Tidy a user's whole memory: merge repeated facts, end expired ones, promote recurring ones, judge contradictions.

    Workers do this every AFTERTURN_SLEEP_SECONDS for each user whose memory changed. Running it again changes nothing
    and makes no LLM calls. Each line begins with a sign: `=` merged into another fact, `-` ended, `&` made of
    two facts, `?` contradicts another one, `+` promoted.
    """
    from afterturn import settings as settings_module
    from afterturn.pipeline.runtime import Runtime
    from afterturn.pipeline.stages import sleep
    from api_shim.cli import owner

    settings = settings_module.load()
    scope = owner.make_scope(settings, tenant, owner.choose(user, user_option))
    runtime = Runtime(settings, pool_size=2)
    try:
        if dry_run:
            preview = sleep.preview(runtime, scope)
            _print_tidying(None if preview is None else preview.tidying)
            if preview is not None and preview.calls:
                typer.echo(f"{preview.calls} LLM calls would be made. Their changes are not known in advance.")
        else:
            _print_tidying(sleep.sleep(runtime, scope))
    finally:
        runtime.close()


def _print_tidying(tidying: TidyingPlan | None) -> None:
    if tidying is None:
        typer.echo("Nothing has changed since the last time.")
        return
    for ended in tidying.ended_facts:
        sign = "=" if ended.reason in ("merged", "refined", "united") else "-"
        typer.echo(f"{sign} {ended.fact_id} {ended.reason}: {' '.join(ended.text.split())}")
    for united, _ in tidying.united:
        typer.echo(f"& {united.fact_id} united: {' '.join(united.text.split())}")
    for fact_id, other_id in tidying.contradictions:
        typer.echo(f"? {fact_id} contradicts {other_id}")
    for fact_id in tidying.promoted_ids:
        typer.echo(f"+ {fact_id}")
    typer.echo(f"{len(tidying.ended_facts)} facts ended, {len(tidying.promoted_ids)} promoted.")
