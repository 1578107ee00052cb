"""The output of `afterturn embeddings`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from afterturn.watching import reading, reports
from api_shim.cli import times

if TYPE_CHECKING:
    from afterturn.embedding.switching import SpaceRow
    from afterturn.settings import Settings
    from afterturn.watching.embeddings import EmbeddingsStatus

#: The shortest time between two readings, and how many times longer than one reading takes.
WAIT_SECONDS = 1.0
READING_FACTOR = 10.0
#: Without progress for so long, the display says what may be the cause.
STALLED_SECONDS = 20.0


def print_status(status: EmbeddingsStatus) -> None:
    """Print the spaces, the progress, and settings without effect."""
    console = Console(highlight=False)
    table = Table("state", "model", "embedder", "dimension", "vectors", "refused", "")
    for row in status.spaces:
        counts = status.counts.get(row.space.space_id)
        vectors = "" if counts is None or counts.vectors is None else f"{counts.vectors:,}"
        refused = "" if counts is None else f"{counts.refused:,}"
        space = row.space
        cells = (space.state, escape(space.model), space.provider, str(space.dimension), vectors, refused)
        table.add_row(*cells, _note(status, row))
    console.print(table)
    for warning in status.warnings:
        console.print(f"[bold yellow]{escape(warning)}[/]", soft_wrap=True)


def _note(status: EmbeddingsStatus, row: SpaceRow) -> str:
    users = f"{status.users_done:,} of {status.users:,} users"
    if row.space.is_building:
        problem = f"; waits: {escape(row.problem)}" if row.problem else ""
        return f"{users} embedded, since {times.show(row.started_at)}{problem}"
    if row.is_dropping:
        return f"being deleted: {users}"
    if row.dropped_at is not None:
        return "deleted"
    if row.space.state == "retired":
        return (
            "kept, until `afterturn embeddings drop`"
            if row.drop_at is None
            else f"deleted at {times.show(row.drop_at)}"
        )
    return "" if row.serving_since is None else f"since {times.show(row.serving_since)}"


def print_switch(target: Mapping[str, Any], state: str, *, is_new: bool) -> None:
    """Print what became of a switch."""
    model = f"{target['model']} ({target['embedder']}, dimension {target['dimension']})"
    text = {
        ("serving", True): f"{model} serves now",
        ("serving", False): f"{model} serves",
        ("building", True): f"workers embed everything with {model}; see `afterturn embeddings status`",
        ("building", False): f"{model} is being built already; see `afterturn embeddings status`",
    }.get((state, is_new), f"the switch to {model} was aborted")
    Console(highlight=False).print(escape(text), soft_wrap=True)


def wait_until_served(settings: Settings, target: Mapping[str, Any], *, is_quiet: bool) -> EmbeddingsStatus | None:
    """Show the progress on stderr until the model serves, and return the last status; None if it was aborted."""
    console = Console(stderr=True, highlight=False, quiet=is_quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        shown = progress.add_task("embedding", total=None)
        done, moved_at, is_told = -1, time.monotonic(), False
        while True:
            began = time.monotonic()
            status = reading.read_report(settings, reports.embeddings(settings))
            if status.serving is not None and _is(status.serving, target):
                return status
            building = status.building
            if building is None or not _is(building, target):
                return None
            counts, total = _texts(status, building)
            progress.update(shown, description=_describe(status, building), completed=counts, total=total)
            if counts + status.users_done != done:
                done, moved_at, is_told = counts + status.users_done, time.monotonic(), False
            if not is_told and time.monotonic() - moved_at > STALLED_SECONDS:
                is_told = True
                console.print(f"no progress for {STALLED_SECONDS:g} s: do the workers run? See `afterturn status`")
            time.sleep(max(WAIT_SECONDS, READING_FACTOR * (time.monotonic() - began)))


def _is(row: SpaceRow, target: Mapping[str, Any]) -> bool:
    space = row.space
    return (space.provider, space.model, space.dimension) == (target["embedder"], target["model"], target["dimension"])


def _texts(status: EmbeddingsStatus, building: SpaceRow) -> tuple[int, int]:
    """Return how many texts have a vector, and how many shall have one; users where the texts are not counted."""
    serving = status.serving
    own = status.counts.get(building.space.space_id)
    present = None if serving is None else status.counts.get(serving.space.space_id)
    if own is None or present is None or (own.vectors is None and present.vectors is None):
        return status.users_done, status.users
    total = (present.vectors or 0) + present.refused
    return min(total, (own.vectors or 0) + own.refused), total


def _describe(status: EmbeddingsStatus, building: SpaceRow) -> str:
    waits = f" · waits: {escape(building.problem)}" if building.problem else ""
    return f"{status.users_done:,} of {status.users:,} users{waits}"
