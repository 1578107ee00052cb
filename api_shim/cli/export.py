"""`afterturn export`: write all stored data of a user."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from api_shim.cli import audited, owner
from api_shim.cli.owner import Tenant, User

if TYPE_CHECKING:
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings


def export(
    user: User,
    tenant: Tenant = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write to this new file, readable only by you. Default: standard output.", show_default=False
        ),
    ] = None,
) -> None:
    """Write all data of a user, from Redis and from every table, as JSON Lines: one record per line.

    Exit code 0: the export is complete. 2: a server is unavailable (the output is incomplete), or the file exists.
    """
    from afterturn import settings as settings_module

    settings = settings_module.load()
    scope = owner.make_scope(settings, tenant, user)
    audited.record(settings, "export", scope)
    counts = _write(settings, scope, output)
    for name, count in sorted(counts.items()):
        print(f"{count:>8} {name}", file=sys.stderr)
    print(f"{counts.total():>8} records", file=sys.stderr)


def _write(settings: Settings, scope: UserScope, output: Path | None) -> Counter[str]:
    """Write all records and return the number of records of each kind."""
    import redis

    from afterturn.errors import MemoryUnavailable
    from afterturn.forgetting import export as export_module
    from afterturn.forgetting import stores
    from afterturn.hot import redis_url

    counts: Counter[str] = Counter()
    try:
        with (
            redis_url.open_client(settings.redis_url, socket_timeout=settings.redis_timeout_seconds) as client,
            _open_output(output) as file,
        ):
            for record in export_module.export_records(stores.list_user_stores(settings, client), scope):
                print(json.dumps(record.values, ensure_ascii=False), file=file)
                counts[record.kind] += 1
    except redis.RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) did not answer: {type(error).__name__}") from error
    return counts


@contextmanager
def _open_output(output: Path | None) -> Iterator[TextIO]:
    """Open the output: a new file that only its owner may read, or standard output."""
    from afterturn.errors import InvalidInput

    if output is None:
        yield sys.stdout
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be created: {error.strerror}") from error
    with open(descriptor, "w", encoding="utf-8") as file:
        yield file
