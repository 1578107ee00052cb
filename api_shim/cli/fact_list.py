"""What `afterturn facts` and `afterturn facts history` print."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from rich.console import Console
from rich.markup import escape

from afterturn.facts.fact import Fact


def print_facts(found: Sequence[Fact], *, as_json: bool) -> None:
    """Print facts in this order, each with its evidence: lines, or a JSON list."""
    if as_json:
        print(json.dumps([asdict(fact) for fact in found], ensure_ascii=False, default=datetime.isoformat))
        return
    console = Console(highlight=False)
    if not found:
        console.print("no facts")
    for fact in found:
        console.print(f"[bold]{escape(fact.text)}[/]  [dim]{fact.fact_id}[/]", soft_wrap=True)
        console.print("  " + escape(" · ".join(_notes(fact))), soft_wrap=True)
        for said in fact.evidence:
            where = f"{said.speaker}, {_clock(said.said_at)}, {said.session_id} {said.position}"
            console.print(f"  [dim]{escape(where)}:[/] {escape(said.quote)}", soft_wrap=True)


def _notes(fact: Fact) -> list[str]:
    """Say in a few words what the fact is, since when, and what became of it."""
    notes = [fact.category, *fact.topics]
    if fact.is_pinned:
        notes.append("pinned")
    if fact.origin == "person":
        notes.append("entered by a person")
    if fact.said_by != "user":
        notes.append(f"said by {fact.said_by}")
    if fact.valid_from is not None:
        notes.append(f"since {_clock(fact.valid_from)}")
    if fact.valid_to is not None:
        notes.append(f"until {_clock(fact.valid_to)}")
    if fact.status != "current":
        notes.append(f"{fact.status}: {(fact.ended_because or 'unknown').replace('_', ' ')}")
    if fact.superseded_by is not None:
        notes.append(f"by {fact.superseded_by}")
    return notes


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
