"""`afterturn dead list | show | replay | discard`: batches, entries and vectors that were given up on."""

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
    help="Batches that were given up on: their turns are safe and found by their words, but did not become facts. Also "
    "entries that could not be archived, and texts that the embedder refused.",
)

PAST = {"replay": "replayed", "discard": "discarded"}
NOTHING_TO_DO = {"replay": "not dead any more", "discard": "not dead any more, or discarded before"}

Tenant = Annotated[str | None, typer.Option(help="Only this tenant's.", show_default=False)]
User = Annotated[
    str | None,
    typer.Option(help="Only this user's (of AFTERTURN_TENANT where --tenant names none).", show_default=False),
]
Reason = Annotated[
    str | None,
    typer.Option(help="Only those whose reason begins so, for example answer_malformed.", show_default=False),
]
BatchIds = Annotated[
    list[UUID] | None, typer.Argument(metavar="BATCH…", help="Ids that `dead list` shows.", show_default=False)
]
All = Annotated[bool, typer.Option("--all", help="All dead ones that the options name, but for discarded ones.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON; the keys are stable.")]


@app.command("list")
def list_dead(
    tenant: Tenant = None,
    user: User = None,
    reason: Reason = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="The discarded ones as well.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead batches, then single dead entries and vectors, the latest first."""
    from afterturn import settings
    from afterturn.watching import reading, reports
    from api_shim.cli import dead_table

    filters = _filters(tenant, user, reason, with_discarded=discarded)
    found = reading.read(settings.load(), reports.dead_batches(filters, limit=limit))
    items = reading.read(settings.load(), reports.dead_items(filters, limit=limit))
    dead_table.print_list(found, items, limit=limit, as_json=as_json)


@app.command()
def show(
    batch: Annotated[UUID, typer.Argument(metavar="BATCH", help="A batch's id.")],
    content: Annotated[bool, typer.Option("--content", help="What was said, as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one batch, dead or not: where it stands, why, what it cost. Its turns only with --content."""
    from afterturn import settings
    from afterturn.watching import reading, reports
    from afterturn.watching.dead import Filters
    from api_shim.cli import dead_table

    items = reading.read(settings.load(), reports.dead_items(Filters(with_discarded=True), dead_id=batch))
    if items:
        dead_table.print_item(items[0], with_content=content, as_json=as_json)
    elif content:
        shown, turns = reading.read(settings.load(), reports.batch_with_turns(batch))
        dead_table.print_one(shown, turns, as_json=as_json)
    else:
        dead_table.print_one(reading.read(settings.load(), reports.batch(batch)), None, as_json=as_json)


@app.command()
def replay(
    batches: BatchIds = None,
    all_of_them: All = False,
    tenant: Tenant = None,
    user: User = None,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Let dead batches begin again, behind what their users have said since.

    What they died of should be gone: a batch that the model refuses again dies again. An answer that is stored and can
    be used is not paid for again.
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
    """Give up on dead batches for good: they are counted and listed no more. Their turns stay.

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
    from afterturn import settings
    from afterturn.database.pool import worker_connection
    from afterturn.errors import InvalidInput
    from afterturn.pipeline import dead_letters
    from afterturn.watching.dead import Filters

    if is_all == bool(named):
        raise InvalidInput(f"say which batches to {verb}: either their ids, or --all")
    if named and filters != Filters():
        raise InvalidInput("--tenant, --user and --reason go with --all, not with ids")
    loaded = settings.load()
    meant = None if named else _all_of(verb, loaded, filters, is_sure=is_sure)
    with worker_connection(loaded) as connection:
        targets = dead_letters.named(connection, named or ()) if meant is None else meant
        done = act(connection, targets, actor=dead_letters.operator())
    left = sum(map(len, targets.values())) - done
    typer.echo(f"{done} {PAST[verb]}" + (f"; {left} left alone: {NOTHING_TO_DO[verb]}" if left else ""))


def _all_of(verb: str, loaded: Settings, filters: Filters, *, is_sure: bool) -> Targets:
    """Find all that are meant; on a terminal, ask before anything is done to them."""
    from afterturn.watching import dead, reading, reports

    found: list[DeadBatch | DeadItem] = [
        *reading.read(loaded, reports.dead_batches(filters)),
        *reading.read(loaded, reports.dead_items(filters)),
    ]
    if found and not is_sure and sys.stdin.isatty():
        reasons = ", ".join(f"{count} {reason}" for reason, count in Counter(b.reason for b in found).most_common())
        typer.confirm(f"{verb.capitalize()} {len(found)} dead ({reasons})?", abort=True)
    return dead.targets_of(found)
