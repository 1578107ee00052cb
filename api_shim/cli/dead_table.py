"""The output of `afterturn dead list` and `afterturn dead show`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from afterturn.turns import Turn
from afterturn.watching.dead import DeadBatch, DeadItem


def print_list(found: Sequence[DeadBatch], items: Sequence[DeadItem], *, limit: int, as_json: bool) -> None:
    """Print dead batches, and then entries and vectors: tables, or a JSON list."""
    if as_json:
        batches = [{"kind": "batch", "turns": batch.turns} | asdict(batch) for batch in found]
        print(_dumped([*batches, *(_item(item) for item in items)]))
        return
    console = Console(highlight=False)
    if found or not items:
        _print_batches(console, found, limit)
    if items:
        _print_items(console, items, limit)


def _print_items(console: Console, items: Sequence[DeadItem], limit: int) -> None:
    table = Table("kind", "tenant / user / session", "what", "dead since", "reason")
    table.columns[0].no_wrap = True
    for item in items:
        owner = escape(" / ".join((item.tenant_id, item.user_id, item.session_id)))
        reason = escape(item.reason) + (" [dim](discarded)[/]" if item.discarded_at else "")
        table.add_row(str(item.dead_id), owner, escape(f"{item.kind} {item.item}"), _clock(item.dead_at), reason)
    console.print(table)
    if len(items) == limit:
        console.print(f"only the latest {limit}; --limit shows more")


def print_item(item: DeadItem, *, with_content: bool, as_json: bool) -> None:
    """Print one dead entry or missing vector; an entry's payload, as it was written, only with content."""
    shown = _item(item)
    if with_content and item.payload is not None:
        shown["content"] = item.payload.decode(errors="replace")
    if as_json:
        print(_dumped(shown))
        return
    console = Console(highlight=False)
    for name, value in shown.items():
        if value is not None:
            console.print(f"[cyan]{name.replace('_', ' '):<18}[/]{escape(_plain(value))}", soft_wrap=True)


def _item(item: DeadItem) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if name != "payload"}


def _print_batches(console: Console, found: Sequence[DeadBatch], limit: int) -> None:
    if not found:
        console.print("no dead batches")
        return
    table = Table("batch", "tenant / user / session", "turns", "attempts", "dead since", "reason")
    table.columns[0].no_wrap = True
    for batch in found:
        owner = escape(" / ".join((batch.tenant_id, batch.user_id, batch.session_id)))
        reason = escape(batch.reason) + (" [dim](discarded)[/]" if batch.discarded_at else "")
        turns = f"{batch.first_position} to {batch.last_position}"
        table.add_row(str(batch.batch_id), owner, turns, str(batch.attempts), _clock(batch.dead_at), reason)
    console.print(table)
    if len(found) == limit:
        console.print(f"only the latest {limit} are listed; --limit shows more")


def print_one(shown: Mapping[str, Any], turns: Sequence[Turn] | None, *, as_json: bool) -> None:
    """Print the row of a batch, and its turns if they are given, as text or as a JSON object."""
    if as_json:
        content = {} if turns is None else {"content": [_turn_values(turn) for turn in turns]}
        print(_dumped(dict(shown) | content))
        return
    console = Console(highlight=False)
    for name, value in shown.items():
        if value is not None:
            text = _clock(value) if isinstance(value, datetime) else str(value)
            console.print(f"[cyan]{name.replace('_', ' '):<18}[/]{escape(text)}", soft_wrap=True)
    for turn in turns or ():
        said = "(removed)" if turn.is_removed else turn.content
        console.print(f"\n[bold]{turn.position} {escape(turn.speaker)}[/] {_clock(turn.occurred_at)}")
        console.print(said, markup=False, soft_wrap=True)


def _turn_values(turn: Turn) -> dict[str, Any]:
    return {
        "position": turn.position,
        "turn_id": turn.turn_id,
        "role": turn.role,
        "name": turn.name,
        "occurred_at": turn.occurred_at,
        "content": None if turn.is_removed else turn.content,
    }


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _clock(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"
