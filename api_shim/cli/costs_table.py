"""The table that `afterturn costs` prints."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from afterturn.llm import costs
from afterturn.llm.costs import CostGrouping, Costs, DailyBudget, Prices


def make_table(found: Sequence[Costs], by: CostGrouping, prices: Prices | None) -> Table:
    """Return a table with one row for each group, and the total."""
    table = Table(by, show_footer=True)
    table.columns[0].footer = "total"
    total = costs.total(found)
    for name, footer in zip(_headings(prices), _figures(total, prices), strict=True):
        table.add_column(name, footer=footer, justify="right")
    for one in found:
        table.add_row(_name(one, by), *_figures(one, prices))
    return table


def format_budget(today: DailyBudget) -> str:
    """Return a user's budget of today, in one line."""
    share = today.spent_tokens / today.daily_tokens
    line = f"today {today.spent_tokens:,} of {today.daily_tokens:,} tokens are spent or reserved ({share:.0%})"
    if today.is_degraded:
        line += "; batches are cut larger"
    if today.paused_until is not None:
        until = f"{today.paused_until.astimezone():%Y-%m-%d %H:%M}"
        line += f"; [bold yellow]{today.paused_batches:,} batches are paused until {until}[/]"
    return line


def _headings(prices: Prices | None) -> list[str]:
    names = ["calls", "prompt tokens", "cached tokens", "completion tokens", "unfinished calls", "reserved tokens"]
    return [*names, "price"] if prices else names


def _figures(one: Costs, prices: Prices | None) -> list[str]:
    counts = [one.calls, one.prompt_tokens, one.cached_tokens, one.completion_tokens]
    shown = [f"{count:,}" for count in (*counts, one.unfinished_calls, one.reserved_tokens)]
    return [*shown, f"{prices.price_of(one):,.4f}"] if prices else shown


def _name(one: Costs, by: CostGrouping) -> str:
    if by == "day":
        return "" if one.day is None else one.day.isoformat()
    if by == "stage":
        return escape(one.stage or "")
    owner = escape(f"{one.tenant_id} / {one.user_id}")
    return owner if by == "user" else f"{owner} / {one.batch_id or 'no batch'}"
