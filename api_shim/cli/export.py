"""`afterturn export`: everything that is held of a user."""

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

from api_shim.cli import owner
from api_shim.cli.owner import Tenant, User

if TYPE_CHECKING:
    from afterturn.scopes import UserScope
    from afterturn.settings import Settings


def export(
    user: User,
    tenant: Tenant = None,
    output: Annotated[
        Path | None, typer.Option(help="Write to this new file, which only you may read.", show_default=False)
    ] = None,
) -> None:
    """Write everything that is held of a user as JSON Lines: one record a line, of Redis and of every table.

    Exit code 0: it is complete. 2: a server is away, or the file exists; what was written so far is not complete.
    """
    from afterturn import settings as settings_module

    settings = settings_module.load()
    counts = _write(settings, owner.named(settings, tenant, user), output)
    for name, count in sorted(counts.items()):
        print(f"{count:>8} {name}", file=sys.stderr)
    print(f"{counts.total():>8} records", file=sys.stderr)


def _write(settings: Settings, scope: UserScope, output: Path | None) -> Counter[str]:
    """Write all records, and return how many of each kind."""
    import redis

    from afterturn.errors import MemoryUnavailable
    from afterturn.forgetting import export as export_module
    from afterturn.forgetting import stores

    counts: Counter[str] = Counter()
    try:
        with (
            redis.Redis.from_url(settings.redis_url, socket_timeout=settings.redis_timeout_seconds) as client,
            _opened(output) as file,
        ):
            for record in export_module.records(stores.every(settings, client), scope):
                print(json.dumps(record.values, ensure_ascii=False), file=file)
                counts[record.kind] += 1
    except redis.RedisError as error:
        raise MemoryUnavailable(f"Redis (AFTERTURN_REDIS_URL) did not answer: {type(error).__name__}") from error
    return counts


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    """The file to write to: a new one that nobody else may read, or standard output."""
    from afterturn.errors import InvalidInput

    if output is None:
        yield sys.stdout
        return
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be made: {error.strerror}") from error
    with open(descriptor, "w", encoding="utf-8") as file:
        yield file
