"""`afterturn scrub`: remove deleted data from disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from afterturn.settings import Settings
    from afterturn.user_store import ScrubStep

EXIT_NOT_ALL = 1


def scrub(
    rewrite: Annotated[
        bool,
        typer.Option("--rewrite", help="Rewrite the tables (VACUUM FULL). It is more thorough but locks each table."),
    ] = False,
) -> None:
    """Remove deleted data from disk: dead rows, the write-ahead log, Redis's append-only file.

    If a step is not permitted, the command reports it and continues with the next one. Run it once a day, for example
    from cron, to limit how long forgotten data stays on disk. It does not reach backups and replicas: see
    docs/how-to/forgetting.md.

    Exit code 0: all steps are done. 1: a step failed. 2: a server is unavailable.
    """
    from afterturn import settings as settings_module

    is_all_done = True
    for step in _steps(settings_module.load(), rewrite=rewrite):
        print(f"{'done' if step.is_done else 'NOT DONE':<9} {step.name}: {step.detail}", flush=True)
        is_all_done &= step.is_done
    if not is_all_done:
        raise typer.Exit(EXIT_NOT_ALL)


def _steps(settings: Settings, *, rewrite: bool) -> Iterator[ScrubStep]:
    from afterturn.forgetting import scrub as scrub_module
    from afterturn.forgetting import stores
    from afterturn.hot import redis_url

    with redis_url.open_client(settings.redis_url, socket_timeout=settings.redis_timeout_seconds) as client:
        yield from scrub_module.scrub_stores(stores.list_user_stores(settings, client), rewrite=rewrite)
