"""`afterturn consolidate`: tidy one user's whole memory now, or see what that would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from api_shim.cli.owner import Tenant

if TYPE_CHECKING:
    from afterturn.sleep.tidying import TidyingPlan


def consolidate(
    user: Annotated[str, typer.Option(help="Whose memory.")],
    tenant: Tenant = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Tidy one user's whole memory: merge repetitions, end what is past, promote what recurs, judge contradictions.

    Workers do this for every user whose memory changed, each AFTERTURN_SLEEP_SECONDS. Doing it again changes nothing
    and costs nothing. Lines begin with a sign: `=` merged into another fact, `-` ended, `+` matters more.
    """
    from afterturn import settings as settings_module
    from afterturn.pipeline.runtime import Runtime
    from afterturn.pipeline.stages import sleep
    from api_shim.cli import owner

    settings = settings_module.load()
    scope = owner.named(settings, tenant, user)
    runtime = Runtime(settings, pool_size=2)
    try:
        if dry_run:
            preview = sleep.preview(runtime, scope)
            _show(None if preview is None else preview.tidying)
            if preview is not None and preview.calls:
                typer.echo(f"{preview.calls} judging calls would be made; what they would change is not known before.")
        else:
            _show(sleep.sleep(runtime, scope))
    finally:
        runtime.close()


def _show(tidying: TidyingPlan | None) -> None:
    if tidying is None:
        typer.echo("Nothing has changed since the last time.")
        return
    for ended in tidying.ended_facts:
        sign = "=" if ended.reason == "merged" else "-"
        typer.echo(f"{sign} {ended.fact_id} {ended.reason}: {' '.join(ended.text.split())}")
    for fact_id in tidying.promoted_ids:
        typer.echo(f"+ {fact_id}")
    typer.echo(f"{len(tidying.ended_facts)} facts ended, {len(tidying.promoted_ids)} promoted.")
