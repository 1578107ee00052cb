"""`afterturn import`: turns of old conversations, from a file of JSON Lines."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from afterturn.importing.lines import ImportLine, LineDefaults, LineProblem
    from afterturn.importing.writing import ImportProgress
    from afterturn.scopes import SessionScope
    from afterturn.settings import Settings

EXIT_BAD_LINES = 2
#: As the shell has it for a command that Ctrl-C ended.
EXIT_INTERRUPTED = 130
#: Bad lines that are named one by one.
PROBLEMS_SHOWN = 20
#: How long nothing may be archived before it says so.
PATIENCE_SECONDS = 10.0


def import_file(
    file: Annotated[Path, typer.Argument(help="JSON Lines, each a turn; - reads standard input.", allow_dash=True)],
    user: Annotated[str | None, typer.Option(help="Whose they are, where a line names no user.")] = None,
    session: Annotated[str | None, typer.Option(help="Of which conversation, where a line names none.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Of which tenant, where a line names none (AFTERTURN_TENANT).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line, and write none.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Import the good lines although there are bad ones.")
    ] = False,
) -> None:
    """Import old conversations. Their dates are kept; they never delay what is said meanwhile.

    A line is an object with user, session, role, content and at (ISO 8601, with an offset); id, name, agent, metadata
    and tenant where there are any. Every line is checked before the first is written. Running it again adds nothing
    twice: it goes on where it was stopped. docs/how-to/import.md tells more.

    Exit code 0: all lines are written. 2: there are bad lines, of which nothing was written (without --skip-invalid
    nor was anything else), or a server is away. 130: stopped by Ctrl-C.
    """
    from afterturn import settings as settings_module
    from afterturn.importing.lines import LineDefaults

    settings = settings_module.load()
    defaults = LineDefaults(tenant_id=settings.tenant if tenant is None else tenant, user_id=user, session_id=session)
    with _opened(file) as source:
        checked = _check(source, defaults, settings)
        _print_check(checked)
        is_bad = bool(checked.codes)
        if is_bad and not skip_invalid and not dry_run:
            print("nothing was imported; --skip-invalid imports the good lines", file=sys.stderr)
        if not dry_run and (skip_invalid or not is_bad):
            source.seek(0)
            _write(settings, _good(source, defaults, settings), total=checked.turns)
    raise typer.Exit(EXIT_BAD_LINES if is_bad else 0)


@dataclass(slots=True)
class _Checked:
    """What a file holds."""

    turns: int = 0
    sessions: set[SessionScope] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    problems: list[LineProblem] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open the file to be read twice; what comes through a pipe is kept in a file of ours until the end."""
    from afterturn.errors import InvalidInput

    if file.is_file():
        with file.open("rb") as source:
            yield source
        return
    if str(file) != "-":
        raise InvalidInput(f"{file} is no file")
    with tempfile.TemporaryFile() as kept:
        while block := sys.stdin.buffer.read(1 << 20):
            kept.write(block)
        kept.seek(0)
        yield kept


def _check(source: IO[bytes], defaults: LineDefaults, settings: Settings) -> _Checked:
    from afterturn.importing.lines import LineProblem, LineReader

    checked = _Checked()
    for found in LineReader(defaults, limit_bytes=settings.turn_limit_bytes).read_lines(source):
        if isinstance(found, LineProblem):
            checked.codes[found.code] += 1
            checked.problems += [found] if len(checked.problems) < PROBLEMS_SHOWN else []
            continue
        checked.turns += 1
        checked.sessions.add(found.session)
        moment = found.turn.occurred_at
        checked.first = min(checked.first or moment, moment)
        checked.last = max(checked.last or moment, moment)
    return checked


def _print_check(checked: _Checked) -> None:
    for problem in checked.problems:
        print(f"line {problem.number}: [{problem.code}] {problem.message}", file=sys.stderr)
    if checked.codes:
        counts = ", ".join(f"{code} {count:,}" for code, count in checked.codes.most_common())
        print(f"{checked.codes.total():,} bad lines: {counts}", file=sys.stderr)
    users = {scope.user for scope in checked.sessions}
    print(f"{checked.turns:,} turns in {len(checked.sessions):,} sessions of {len(users):,} users", flush=True)
    if checked.first is not None and checked.last is not None:
        print(f"said from {checked.first:%Y-%m-%d} to {checked.last:%Y-%m-%d}", flush=True)


def _good(source: IO[bytes], defaults: LineDefaults, settings: Settings) -> Iterator[ImportLine]:
    from afterturn.importing.lines import ImportLine, LineReader

    found = LineReader(defaults, limit_bytes=settings.turn_limit_bytes).read_lines(source)
    return (line for line in found if isinstance(line, ImportLine))


def _write(settings: Settings, lines: Iterator[ImportLine], *, total: int) -> None:
    import redis

    from afterturn.database.pool import worker_connection
    from afterturn.importing.writing import Importer

    seconds = settings.redis_timeout_seconds
    with (
        redis.Redis.from_url(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client,
        worker_connection(settings) as connection,
    ):
        importer = Importer(settings, client, connection)
        try:
            _show(importer.write_lines(lines), total)
        except KeyboardInterrupt:
            print(
                f"stopped: {importer.progress.done:,} of {total:,} turns are safe; the same command goes on from there",
                file=sys.stderr,
            )
            raise typer.Exit(EXIT_INTERRUPTED) from None
        finally:
            done = importer.progress
            print(f"{done.written:,} turns written, {done.already_archived:,} were there before", flush=True)
    print("they become facts while nothing newer is owed; `afterturn status` says how many wait")


def _show(steps: Iterator[ImportProgress], total: int) -> None:
    """Go through the steps; on a terminal with a bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_told = False
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("importing", total=total)
        for progress in steps:
            bar.update(task, completed=progress.done)
            if progress.waiting_seconds > PATIENCE_SECONDS and not is_told:
                is_told = True
                console.print("nothing is archived: are the workers running? (waiting for them; Ctrl-C stops)")
