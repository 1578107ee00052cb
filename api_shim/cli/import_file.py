"""`afterturn import`: import the turns of old conversations from a JSON Lines file."""

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

    from afterturn.importing.lines import ImportLine, LineDefaults, LineProblem, LineReader
    from afterturn.importing.writing import ImportProgress
    from afterturn.scopes import SessionScope
    from afterturn.settings import Settings

EXIT_INVALID_LINES = 2
#: The shell's exit code of a command that Ctrl-C ended.
EXIT_INTERRUPTED = 130
#: The largest number of invalid lines that are printed.
PROBLEMS_SHOWN = 20
#: A warning is printed when nothing was archived for this long.
STALL_WARNING_SECONDS = 10.0


def import_file(
    file: Annotated[
        Path, typer.Argument(help="A JSON Lines file with one turn per line; - reads standard input.", allow_dash=True)
    ],
    user: Annotated[str | None, typer.Option(help="The user of lines without a user.")] = None,
    session: Annotated[str | None, typer.Option(help="The session of lines without a session.")] = None,
    tenant: Annotated[
        str | None, typer.Option(help="The tenant of lines without a tenant. Default: AFTERTURN_TENANT.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line and write nothing.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Import the valid lines even if other lines are invalid.")
    ] = False,
) -> None:
    """Import old conversations. Their dates are kept, and new turns are processed before imported ones.

    A line is a JSON object with user, session, role, content and at (ISO 8601, with an offset). Optional fields: id,
    name, agent, metadata and tenant. Every line is checked before the first line is written. Running the command again
    continues where it stopped and imports no turn twice. See docs/how-to/import.md.

    Exit code 0: all lines are written. 2: a server is unavailable, or some lines are invalid; invalid lines are never
    written, and valid ones only with --skip-invalid. 130: stopped by Ctrl-C.
    """
    from afterturn import settings as settings_module
    from afterturn.importing.lines import LineDefaults

    settings = settings_module.load()
    defaults = LineDefaults(tenant_id=settings.tenant if tenant is None else tenant, user_id=user, session_id=session)
    with _open_input(file) as source:
        checks = _check_lines(source, defaults, settings)
        _print_checks(checks)
        has_invalid_lines = bool(checks.problem_counts)
        if has_invalid_lines and not skip_invalid and not dry_run:
            print("nothing was imported; use --skip-invalid to import the valid lines", file=sys.stderr)
        if not dry_run and (skip_invalid or not has_invalid_lines):
            source.seek(0)
            conflicting = _write(settings, _read_valid_lines(source, defaults, settings), total=checks.turn_count)
            has_invalid_lines |= conflicting > 0
    raise typer.Exit(EXIT_INVALID_LINES if has_invalid_lines else 0)


@dataclass(slots=True)
class _FileChecks:
    """The result of checking all lines of a file."""

    turn_count: int = 0
    sessions: set[SessionScope] = field(default_factory=set)
    first_time: datetime | None = None
    last_time: datetime | None = None
    #: The first invalid lines.
    problems: list[LineProblem] = field(default_factory=list)
    #: Code of a problem -> number of lines with it.
    problem_counts: Counter[str] = field(default_factory=Counter)


@contextmanager
def _open_input(file: Path) -> Iterator[IO[bytes]]:
    """Open the file, which is read twice. Standard input is first copied to a temporary file."""
    from afterturn.errors import InvalidInput

    if file.is_file():
        with file.open("rb") as source:
            yield source
        return
    if str(file) != "-":
        raise InvalidInput(f"{file} is not a file")
    with tempfile.TemporaryFile() as copy:
        while block := sys.stdin.buffer.read(1 << 20):
            copy.write(block)
        copy.seek(0)
        yield copy


def _reader(defaults: LineDefaults, settings: Settings) -> LineReader:
    from afterturn.importing.lines import LineReader

    return LineReader(defaults, limit_bytes=settings.turn_limit_bytes, future_seconds=settings.future_limit_seconds)


def _check_lines(source: IO[bytes], defaults: LineDefaults, settings: Settings) -> _FileChecks:
    from afterturn.importing.lines import LineProblem

    checks = _FileChecks()
    for line in _reader(defaults, settings).read_lines(source):
        if isinstance(line, LineProblem):
            checks.problem_counts[line.code] += 1
            checks.problems += [line] if len(checks.problems) < PROBLEMS_SHOWN else []
            continue
        checks.turn_count += 1
        checks.sessions.add(line.session)
        time = line.turn.occurred_at
        checks.first_time = min(checks.first_time or time, time)
        checks.last_time = max(checks.last_time or time, time)
    return checks


def _print_checks(checks: _FileChecks) -> None:
    for problem in checks.problems:
        print(f"line {problem.number}: [{problem.code}] {problem.message}", file=sys.stderr)
    if checks.problem_counts:
        counts = ", ".join(f"{code} {count:,}" for code, count in checks.problem_counts.most_common())
        print(f"{checks.problem_counts.total():,} invalid lines: {counts}", file=sys.stderr)
    users = {scope.user for scope in checks.sessions}
    print(f"{checks.turn_count:,} turns in {len(checks.sessions):,} sessions of {len(users):,} users", flush=True)
    if checks.first_time is not None and checks.last_time is not None:
        print(f"dates from {checks.first_time:%Y-%m-%d} to {checks.last_time:%Y-%m-%d}", flush=True)


def _read_valid_lines(source: IO[bytes], defaults: LineDefaults, settings: Settings) -> Iterator[ImportLine]:
    from afterturn.importing.lines import ImportLine

    lines = _reader(defaults, settings).read_lines(source)
    return (line for line in lines if isinstance(line, ImportLine))


def _write(settings: Settings, lines: Iterator[ImportLine], *, total: int) -> int:
    """Write the lines, and return how many were not written because their ids have other content."""
    from afterturn.database.pool import worker_connection
    from afterturn.hot import redis_url
    from afterturn.importing.writing import Importer

    seconds = settings.redis_timeout_seconds
    with (
        redis_url.open_client(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client,
        worker_connection(settings) as connection,
    ):
        importer = Importer(settings, client, connection)
        try:
            _show_progress(importer.write_lines(lines), total)
        except KeyboardInterrupt:
            print(
                f"stopped: {importer.progress.done:,} of {total:,} turns imported; run the same command to continue",
                file=sys.stderr,
            )
            raise typer.Exit(EXIT_INTERRUPTED) from None
        finally:
            done = importer.progress
            print(f"{done.written:,} turns written, {done.already_archived:,} already existed", flush=True)
            if done.conflicting:
                print(f"{done.conflicting:,} not written: their ids exist with other content", file=sys.stderr)
    print("they are processed when no newer turns wait; `afterturn status` shows how many are left")
    return importer.progress.conflicting


def _show_progress(steps: Iterator[ImportProgress], total: int) -> None:
    """Run the import step by step; on a terminal with a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    has_warned = False
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("importing", total=total)
        for progress in steps:
            bar.update(task, completed=progress.done)
            if progress.waiting_seconds > STALL_WARNING_SECONDS and not has_warned:
                has_warned = True
                console.print(
                    "nothing is archived: check that the workers run (the import waits for them; Ctrl-C stops it)"
                )
