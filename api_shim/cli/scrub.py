"""`afterturn scrub`: what was deleted leaves the disk as well."""

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
        typer.Option("--rewrite", help="Write the tables anew (VACUUM FULL): thorough; locks each one meanwhile."),
    ] = False,
) -> None:
    """End what physically remains of deleted content: dead rows, write-ahead log, Redis's append-only file.

    It goes on with the next step where one is not allowed, and says so. Once a day, from cron, bounds how long
    forgotten content stays on disk. Backups and replicas are yours: docs/how-to/forgetting.md.

    Exit code 0: all was done. 1: some of it was not. 2: a server is away.
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
        yield from scrub_module.steps(stores.every(settings, client), rewrite=rewrite)
