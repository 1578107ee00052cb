"""The results of a run: lost or doubled turns, their times, the LLM cost, and the addresses of the services."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from psycopg_pool import ConnectionPool
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from afterturn.database import steps
from afterturn.database.connect_errors import translate_connection_errors
from afterturn.database.pool import Connection
from afterturn.local.stack import Stack
from afterturn.watching import progress
from afterturn.watching.progress import Cost, Freshness
from api_shim.cli.demo import delivery, flower
from api_shim.cli.demo.delivery import Delivery
from api_shim.cli.demo.flower import TaskCounts
from api_shim.cli.demo.paragraphs import print_indented, print_markup
from api_shim.cli.demo.scenario import DemoScenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The results of a run."""

    delivery: Delivery
    freshness: Freshness
    cost: Cost
    is_offline: bool
    write_seconds: Sequence[float]
    api_address: str
    #: Empty if the run did not start Flower.
    flower_address: str
    task_counts: TaskCounts | None


def collect_findings(
    scenario: DemoScenario, stack: Stack, pool: ConnectionPool[Connection], write_seconds: Sequence[float]
) -> Findings:
    """Read all results while the stack still runs. Raises MemoryUnavailable."""
    with translate_connection_errors(), pool.connection() as connection:
        freshness = steps.run(connection, progress.read_freshness(scenario.tenant_id))
        cost = steps.run(connection, progress.read_cost(scenario.tenant_id))
    flower_address = stack.address("flower")
    return Findings(
        delivery=delivery.check_delivery(scenario.sessions, stack.settings),
        freshness=freshness,
        cost=cost,
        is_offline=stack.settings.is_offline,
        write_seconds=write_seconds,
        api_address=stack.address("api"),
        flower_address=flower_address,
        task_counts=flower.read_task_counts(flower_address) if flower_address else None,
    )


def print_findings(found: Findings, console: Console) -> None:
    """Print one line for each finding."""
    console.print("\n[bold]The run[/]")
    lines = {
        "Turns": _turns(found.delivery),
        "Write": f"{median(found.write_seconds) * 1000:.2f} ms a turn: an agent waits only for this",
        "Freshness": _freshness(found.freshness),
        "Cost": _cost(found),
        "HTTP API": f"was at {found.api_address}",
        "Flower": _flower(found),
    }
    for label, text in lines.items():
        print_indented(console, 2, Text.from_markup(f"[cyan]{label:<11}[/]{text}"))


def print_end(console: Console, *, seconds: float, data_dir: Path | None, tenant_id: str) -> None:
    """Print how long the demo took, and where its data is."""
    kept = escape(str(data_dir))
    left = f"the data is kept in {kept}" if data_dir else "no data is kept"
    console.print()
    print_markup(console, f"Everything is stopped; {left}. [dim]{seconds:.1f} s in total.[/]")
    if data_dir:
        tenant = escape(tenant_id)
        print_markup(console, f"To continue with it: AFTERTURN_TENANT={tenant} afterturn up --data-dir {kept}")


def _turns(delivery: Delivery) -> str:
    colour = "green" if delivery.is_complete else "bold red"
    order = "in order" if delivery.is_in_order else "NOT in order"
    return (
        f"{delivery.written} written, {delivery.archived} in Postgres: "
        f"[{colour}]{delivery.lost} lost, {delivery.doubled} doubled, {order}[/]"
    )


def _freshness(freshness: Freshness) -> str:
    archived = _median_and_p95(freshness.archived_p50, freshness.archived_p95)
    searchable = _median_and_p95(freshness.searchable_p50, freshness.searchable_p95)
    return f"in Postgres after {archived}, searchable as facts after {searchable}"


def _median_and_p95(median_seconds: float | None, p95_seconds: float | None) -> str:
    if median_seconds is None or p95_seconds is None:
        return "(none)"
    return f"{median_seconds:.2f} s (p95 {p95_seconds:.2f})"


def _cost(found: Findings) -> str:
    cost = found.cost
    how = (
        ": offline rules" if found.is_offline else f" (read {cost.prompt_tokens:,}, written {cost.completion_tokens:,})"
    )
    return f"{cost.calls} LLM calls, {cost.prompt_tokens + cost.completion_tokens:,} tokens{how}"


def _flower(found: Findings) -> str:
    if not found.flower_address:
        return "was not started"
    seen = found.task_counts
    tasks = f"; tasks: {seen.succeeded} succeeded, {seen.failed} failed" if seen else ""
    return f"was at {found.flower_address}{tasks}"
