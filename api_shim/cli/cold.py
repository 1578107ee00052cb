"""`afterturn cold status | run | restore`: the texts of old turns in an object store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from afterturn.pipeline.runtime import Runtime
    from afterturn.settings import Settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="The cold archive: the texts of old turns in an object store (AFTERTURN_COLD_URL). Workers move turns that "
    "are older than AFTERTURN_COLD_AFTER_DAYS, once a day and user. Facts, vectors, words and quotes stay in Postgres, "
    "and history, export, forget and remove work as before.",
)

EXIT_DAMAGED = 1
#: The shell's exit code of a command that Ctrl-C ended.
EXIT_INTERRUPTED = 130

Tenant = Annotated[
    str | None, typer.Option(help="Only this tenant. Default: all; with --user AFTERTURN_TENANT.", show_default=False)
]
User = Annotated[str | None, typer.Option(help="Only this user.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object; its keys are stable.")]


@app.command()
def status(tenant: Tenant = None, user: User = None, as_json: AsJson = False) -> None:
    """Show what the archive has, and how many old turns are not moved yet."""
    from rich.console import Console

    from afterturn.cold import counting

    with _runtime(needs_store=False) as runtime, runtime.postgres.connection() as connection:
        found = counting.read_counts(
            connection, runtime.settings, tenant_id=_tenant(runtime.settings, tenant, user), user_id=user
        )
    if as_json:
        print(json.dumps(found))
        return
    console = Console(highlight=False)
    if found["url"] is None:
        console.print("AFTERTURN_COLD_URL is not set: no turns move")
    console.print(
        f"in the archive   {found['turns']:,} turns of {found['users']:,} users, {found['objects']:,} objects, "
        f"{found['content_bytes']:,} bytes of text in {found['file_bytes']:,}",
        soft_wrap=True,
    )
    console.print(f"old enough       {found['old_turns']:,} turns in Postgres")
    console.print(f"to be deleted    {found['deletions']:,} objects")


@app.command()
def run(
    tenant: Tenant = None,
    user: User = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, help="Age in days. Default: AFTERTURN_COLD_AFTER_DAYS.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move old turns now, without waiting for the workers. It can be stopped and repeated at any time.

    Exit code 0: done. 2: the object store or a server is unavailable; nothing is lost. 130: stopped by Ctrl-C.
    """
    from afterturn.cold import counting, deletions
    from afterturn.pipeline.stages import cold

    with _runtime() as runtime:
        settings = runtime.settings
        days = settings.cold_after_days if older_than is None else older_than
        age_seconds = days * cold.DAY_SECONDS
        named = {"tenant_id": _tenant(settings, tenant, user), "user_id": user}
        with runtime.postgres.connection() as connection:
            assert settings.cold_url is not None, "checked before"
            deletions.carry_out(connection, settings.cold_url)
            users = counting.users_with_old_turns(connection, age_seconds=age_seconds, **named)
            total = counting.count_old_turns(connection, age_seconds=age_seconds, **named)
        moved = 0
        with _progress("moving", total) as advance:
            for scope in users:
                moved += cold.move_old_turns(
                    runtime, scope, age_seconds=age_seconds, seconds=float("inf"), on_moved=advance
                )
    _print(as_json, {"moved": moved, "users": len(users), "left": total - moved}, f"{moved:,} turns moved")


@app.command()
def restore(
    tenant: Tenant = None,
    user: User = None,
    all_users: Annotated[bool, typer.Option("--all", help="All users that the options select.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the texts back to Postgres. They stay there for AFTERTURN_COLD_AFTER_DAYS.

    It can be stopped and repeated at any time. To leave the archive, restore all, then unset AFTERTURN_COLD_URL.

    Exit code 0: done. 1: an object is damaged or missing; all others are restored. 2: the object store or a server is
    unavailable. 130: stopped by Ctrl-C.
    """
    from afterturn.cold import counting
    from afterturn.errors import InvalidInput
    from afterturn.pipeline.stages import cold

    if user is None and not all_users:
        raise InvalidInput("name a user with --user, or all of them with --all")
    restored, damaged = 0, list[str]()
    with _runtime() as runtime:
        with runtime.postgres.connection() as connection:
            named = {"tenant_id": _tenant(runtime.settings, tenant, user), "user_id": user}
            users = counting.users_with_objects(connection, **named)
        with _progress("restoring", sum(users.values())) as advance:
            for scope in users:
                count, missing = cold.restore(runtime, scope, on_restored=advance)
                restored, damaged = restored + count, damaged + missing
    found = {"restored": restored, "users": len(users), "damaged": damaged}
    problem = f"; {len(damaged)} objects are damaged or missing: {', '.join(damaged)}" if damaged else ""
    _print(as_json, found, f"{restored:,} turns restored{problem}")
    if damaged:
        raise typer.Exit(EXIT_DAMAGED)


def _print(as_json: bool, found: dict[str, Any], text: str) -> None:
    print(json.dumps(found) if as_json else text)


def _tenant(settings: Settings, tenant: str | None, user: str | None) -> str | None:
    return settings.tenant if tenant is None and user is not None else tenant


@contextmanager
def _runtime(*, needs_store: bool = True) -> Iterator[Runtime]:
    """Yield a runtime. Ctrl-C ends the command with its exit code. Raises SettingsError if no store is named."""
    from afterturn import settings as settings_module
    from afterturn.errors import SettingsError
    from afterturn.pipeline.runtime import Runtime

    settings = settings_module.load()
    if needs_store and settings.cold_url is None:
        raise SettingsError("AFTERTURN_COLD_URL is not set: it names the object store, such as s3://bucket/path")
    runtime = Runtime(settings, pool_size=3)
    try:
        yield runtime
    except KeyboardInterrupt:
        typer.echo("stopped; run the command again to go on", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    finally:
        runtime.close()


@contextmanager
def _progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr, where that is a terminal. Yield what advances it by a number of turns."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda count: progress.advance(task, count)
