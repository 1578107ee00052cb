"""`afterturn dead list | show | replay | discard`: dead batches, entries, vectors, summaries and sleeps."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from afterturn.pipeline.dead_letters import Targets
    from afterturn.settings import Settings
    from afterturn.watching.dead import DeadBatch, DeadItem, Filters

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Dead batches: processing failed for good. Their turns are kept and can be found, but gave no facts. Also "
    "entries that could not be archived, and texts that the embedder refused.",
)

PAST_TENSE = {"replay": "replayed", "discard": "discarded"}
SKIP_REASON = {"replay": "no longer dead", "discard": "no longer dead, or already discarded"}

Tenant = Annotated[str | None, typer.Option(help="Only this tenant.", show_default=False)]
User = Annotated[
    str | None,
    typer.Option(help="Only this user. Default tenant: AFTERTURN_TENANT.", show_default=False),
]
Reason = Annotated[
    str | None,
    typer.Option(help="Only batches whose reason begins with this, such as answer_malformed.", show_default=False),
]
BatchIds = Annotated[
    list[UUID] | None, typer.Argument(metavar="BATCH…", help="Ids that `dead list` shows.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="All dead ones that the options select, except discarded ones.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON; its keys are stable.")]


@app.command("list")
def list_dead(
    tenant: Tenant = None,
    user: User = None,
    reason: Reason = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="Also list discarded batches.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of batches.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead batches, then single dead entries, vectors, summaries and sleeps, the latest first."""
    from afterturn import settings
    from afterturn.watching import reading, reports
    from api_shim.cli import dead_table

    filters = _filters(tenant, user, reason, with_discarded=discarded)
    found = reading.read_report(settings.load(), reports.dead_batches(filters, limit=limit))
    items = reading.read_report(settings.load(), reports.dead_items(filters, limit=limit))
    dead_table.print_list(found, items, limit=limit, as_json=as_json)


@app.command()
def show(
    batch: Annotated[UUID, typer.Argument(metavar="BATCH", help="The id of a batch.")],
    content: Annotated[bool, typer.Option("--content", help="Also show the turns.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state, the reason and the cost of one batch, dead or not."""
    from afterturn import settings
    from afterturn.scopes import UserScope
    from afterturn.watching import reading, reports
    from afterturn.watching.dead import Filters
    from api_shim.cli import audited, dead_table

    items = reading.read_report(settings.load(), reports.dead_items(Filters(with_discarded=True), dead_id=batch))
    if items:
        if content:
            audited.record(settings.load(), "dead.show", UserScope(items[0].tenant_id, items[0].user_id))
        dead_table.print_item(items[0], with_content=content, as_json=as_json)
    elif content:
        shown, turns = reading.read_report(settings.load(), reports.batch_with_turns(batch))
        audited.record(settings.load(), "dead.show", UserScope(shown["tenant_id"], shown["user_id"]))
        dead_table.print_one(shown, turns, as_json=as_json)
    else:
        dead_table.print_one(reading.read_report(settings.load(), reports.batch(batch)), None, as_json=as_json)


@app.command()
def replay(
    batches: BatchIds = None,
    all_of_them: All = False,
    tenant: Tenant = None,
    user: User = None,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Process dead batches again, after the present batches of their users.

    Remove the cause first: if the model refuses a batch again, the batch is dead again. A stored answer that can be
    used is not requested again.
    """
    from functools import partial

    import redis

    from afterturn import settings
    from afterturn.pipeline import dead_letters

    with redis.Redis.from_url(settings.load().redis_url) as client:
        act = partial(dead_letters.replay, client=client)
        _act("replay", batches, all_of_them, _filters(tenant, user, reason), is_sure=yes, act=act)


@app.command()
def discard(
    batches: BatchIds = None,
    all_of_them: All = False,
    tenant: Tenant = None,
    user: User = None,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Discard dead batches: they are no longer counted or listed. Their turns are kept.

    A discarded batch can still be replayed by its id.
    """
    from afterturn.pipeline import dead_letters

    _act("discard", batches, all_of_them, _filters(tenant, user, reason), is_sure=yes, act=dead_letters.discard)


def _filters(tenant: str | None, user: str | None, reason: str | None, *, with_discarded: bool = False) -> Filters:
    from afterturn import settings
    from afterturn.watching.dead import Filters

    owner = settings.load().tenant if user is not None and tenant is None else tenant
    return Filters(tenant_id=owner, user_id=user, reason=reason, with_discarded=with_discarded)


def _act(
    verb: str, named: list[UUID] | None, is_all: bool, filters: Filters, *, is_sure: bool, act: Callable[..., int]
) -> None:
    from afterturn import settings, system_user
    from afterturn.database.pool import worker_connection
    from afterturn.errors import InvalidInput
    from afterturn.pipeline import dead_letters
    from afterturn.watching.dead import Filters

    if is_all == bool(named):
        raise InvalidInput(f"name the batches to {verb}: either their ids, or --all")
    if named and filters != Filters():
        raise InvalidInput("use --tenant, --user and --reason with --all, not with ids")
    loaded = settings.load()
    selected = None if named else _select_all(verb, loaded, filters, is_sure=is_sure)
    with worker_connection(loaded) as connection:
        targets = dead_letters.named(connection, named or ()) if selected is None else selected
        done = act(connection, targets, actor=system_user.read_name())
    skipped = sum(map(len, targets.values())) - done
    typer.echo(f"{done} {PAST_TENSE[verb]}" + (f"; {skipped} skipped: {SKIP_REASON[verb]}" if skipped else ""))


def _select_all(verb: str, loaded: Settings, filters: Filters, *, is_sure: bool) -> Targets:
    """Return all batches that the filters select. On a terminal, ask for confirmation first."""
    from afterturn.watching import dead, reading, reports

    found: list[DeadBatch | DeadItem] = [
        *reading.read_report(loaded, reports.dead_batches(filters)),
        *reading.read_report(loaded, reports.dead_items(filters)),
    ]
    if found and not is_sure and sys.stdin.isatty():
        reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(b.reason for b in found).most_common())
        typer.confirm(f"{verb.capitalize()} {len(found)} dead ({reasons})?", abort=True)
    return dead.group_by_user(found)
